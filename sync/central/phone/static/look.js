// Sends a small picture of the phone's camera every second or two, at moments nobody can foretell.
(() => {
  const box = document.querySelector("[data-look]");
  if (!box) return;
  const status = document.getElementById("look-state");
  const left = document.getElementById("look-left");
  const video = box.querySelector("video");
  const canvas = document.createElement("canvas");
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  const noCamera = () => { say(box.dataset.none); box.classList.add("bad"); };
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return noCamera();
  const show = (told) => {
    if (told.key !== box.dataset.key) return location.reload();
    say(told.state);
    box.classList.toggle("good", told.running);
    box.classList.toggle("warn", !told.running);
    if (left) left.textContent = told.left > 0 ? told.left : "";
    document.querySelectorAll("[data-when=running]").forEach((one) => {
      one.disabled = !told.running || (one.dataset.waits !== undefined && told.left > 0);
    });
    document.querySelectorAll("[data-when=held]").forEach((one) => { one.hidden = !told.held; });
    return undefined;
  };
  const look = async () => {
    canvas.width = 480;
    canvas.height = Math.round(480 * video.videoHeight / Math.max(1, video.videoWidth));
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
    try {
      const answer = await fetch(box.dataset.look,
        { method: "POST", body: blob, headers: { "Content-Type": "image/jpeg" } });
      if (answer.redirected) return location.reload();
      if (answer.ok) show(await answer.json());
    } catch { say(box.dataset.offline); }
    return setTimeout(look, 1000 + Math.random() * 1200);
  };
  navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "user", width: { ideal: 640 } } })
    .then(async (stream) => { video.srcObject = stream; await video.play(); look(); }).catch(noCamera);
})();
