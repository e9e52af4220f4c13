// The browser's part of a lane page. It shows the scene the gate sends, draws the picture, speaks,
// and takes everything personal away by itself when the time is up or the gate is not heard any more.

const PICTURE_INTERVAL_MS = 100;
const PICTURE_TIMEOUT_MS = 2000; // an older picture is not "live" and must go
const WATCH_INTERVAL_MS = 250;
const LOST_AFTER_MS = 2500; // the gate speaks every second; said on the screen within 3 s
const RETRY_INTERVAL_MS = 1000;
const RELOAD_AFTER_MS = 3000; // the gate answers again but this page hears nothing: start afresh
const TONES = { // Hz, seconds: told apart by rhythm and pitch without understanding a language
  allow: [[784, 0.12], [1175, 0.22]],
  hold: [[587, 0.18], [0, 0.08], [587, 0.18]],
  deny: [[311, 0.2], [0, 0.06], [233, 0.4]],
  fire: [[988, 0.25], [740, 0.25], [988, 0.25], [740, 0.25]],
};
const VOICES = { zh: "zh-CN", en: "en-US" };

const arrow = (turn) => `<g transform="rotate(${turn} 50 50)"><path d="M50 90V16M20 46 50 14 80 46"/></g>`;
const head = `<path d="M30 42c0-14 8-23 20-23s20 9 20 23c0 16-9 29-20 29S30 58 30 42z"/>`;
const shoulders = `<path d="M14 94c4-14 18-18 36-18s32 4 36 18"/>`;
const small = `<circle cx="14" cy="56" r="7"/><path d="M4 92V80q0-8 10-8t10 8v12"/>`;
const large = `<circle cx="72" cy="40" r="14"/><path d="M48 94V80q0-18 24-18t24 18v14"/>`;
const ICONS = {
  allow: `<circle cx="50" cy="50" r="44"/><path d="M28 52 44 68 74 34"/>`,
  deny: `<path d="M32 6h36l26 26v36L68 94H32L6 68V32z"/><path d="M33 33 67 67M67 33 33 67"/>`,
  hold: `<path d="M50 8 95 90H5z"/><path d="M50 36v26M50 75v2"/>`,
  fault: `<rect x="8" y="8" width="84" height="84" rx="14"/><path d="M50 24v34M50 74v2"/>`,
  face: `${head}${shoulders}<path d="M6 24V6h18M76 6h18v18"/>`,
  busy: `<circle cx="50" cy="50" r="40" opacity=".25"/><path class="sg-spin" d="M50 10a40 40 0 0 1 40 40"/>`,
  exit: `<circle cx="58" cy="14" r="8"/><path d="M30 40 46 28l14 6-8 24 16 12-4 22M52 58 44 74 22 78M60 34l10 14 16 2"/>`,
  in: arrow(90),
  out: arrow(-90),
  look_up: arrow(0),
  look_down: arrow(180),
  turn_left: arrow(-90),
  turn_right: arrow(90),
  look_ahead: `${head}<path d="M42 40v2M58 40v2M42 56h16"/><path d="M6 24V6h18M76 6h18v18M6 76v18h18M76 94h18V76"/>`,
  come_closer: `${small}${large}<path d="M26 22h26M42 10l12 12-12 12"/>`,
  step_back: `${small}${large}<path d="M54 22H28M38 10 26 22l12 12"/>`,
  hold_still: `${head}${shoulders}<path d="M8 30v30M92 30v30"/>`,
  too_dark: `<path d="M64 12a40 40 0 1 0 26 54A34 34 0 0 1 64 12z"/>`,
  too_bright: `<circle cx="50" cy="50" r="18"/><path d="M50 6v12M50 82v12M6 50h12M82 50h12M19 19l8 8M73 73l8 8M81 19l-8 8M27 73l-8 8"/>`,
  uncover_face: `${head}<path d="M30 50h40M32 60h36"/><path d="M6 94 94 6"/>`,
  straighten_head: `<g transform="rotate(-18 50 50)">${head}</g><path d="M20 86a44 44 0 0 0 60 0M80 70v16H64"/>`,
};

const SvgIcon = {
  props: { name: String },
  computed: { body() { return ICONS[this.name] || ""; } },
  template: `<svg class="sg-icon" :data-name="name" viewBox="0 0 100 100" aria-hidden="true" v-html="body"></svg>`,
};

const BothWords = {
  props: { text: Object, languages: Array },
  template: `<span v-for="(l, i) in languages" :key="l" :lang="l" :class="i ? 'sg-beside' : 'sg-first'">{{ text[l] }}</span>`,
};

export default {
  components: { SvgIcon, BothWords },
  props: { scene: Object, picture: String, languages: Array, voice: Boolean, clear: Number, guard: Boolean, words: Object },
  data: () => ({ lost: false, live: false, goneId: null, aspect: 16 / 9 }),
  computed: {
    answer() {
      const answer = this.scene.answer;
      return !this.lost && answer && answer.event_id !== this.goneId ? answer : null;
    },
    panel() { return this.answer || this.scene.panel; },
    tone() { return this.lost ? "lost" : this.panel.tone; },
    code() { return this.lost ? null : this.scene.code; },
    framed() { return !this.lost && this.live && this.scene.box; },
    boxStyle() {
      const percent = (part) => `${100 * part}%`;
      const [x, y, width, height] = this.scene.box;
      return { left: percent(x), top: percent(y), width: percent(width), height: percent(height) };
    },
    pictureStyle() { return { aspectRatio: String(this.aspect), "--sg-aspect": this.aspect }; },
    offline() { return this.scene.health.length > 0; },
  },
  watch: {
    scene(scene) { this.receive(scene); },
    lost(lost) { if (lost) this.hush(); },
  },
  mounted() {
    this.heardAt = performance.now();
    this.aliveSince = null;
    this.askedAt = 0;
    this.isDown = false;
    this.watcher = setInterval(() => this.watch(), WATCH_INTERVAL_MS);
    this.receive(this.scene);
    this.fit();
    this.draw();
    // NiceGUI would leave for the browser's error page when the gate is away for long; this page waits instead.
    setTimeout(() => {
      window.socket.off("connect_error");
      window.socket.on("connect_error", (error) => {
        if (error.message === "Implicit handshake failed") window.location.reload();
      });
    });
  },
  updated() { this.fit(); },
  unmounted() {
    this.isDown = true;
    clearInterval(this.watcher);
    clearTimeout(this.clearTimer);
  },
  methods: {
    fit() { // long texts shrink instead of being cut; the headline stays readable at 2 m
      const panel = this.$refs.panel;
      for (const scale of [1, 0.92, 0.84, 0.76, 0.68]) {
        panel.style.setProperty("--sg-fit", scale);
        if (panel.scrollHeight <= panel.clientHeight && panel.scrollWidth <= panel.clientWidth) return;
      }
    },
    receive(scene) {
      this.heardAt = performance.now();
      this.aliveSince = null;
      this.lost = false;
      const answer = scene.answer;
      if (answer && answer.event_id !== this.answerId) {
        this.answerId = answer.event_id;
        clearTimeout(this.clearTimer);
        const left_ms = Math.min(answer.clear_in_ms, 1000 * this.clear);
        this.clearTimer = setTimeout(() => { this.goneId = answer.event_id; }, Math.max(0, left_ms));
        this.announce(answer.tone, answer.voice);
      }
      if (scene.fire && !this.wasFire) this.announce("fire", scene.panel.hint);
      this.wasFire = scene.fire;
    },
    async watch() {
      const now = performance.now();
      if (now - this.heardAt < LOST_AFTER_MS) return;
      this.lost = true;
      this.wipePicture();
      if (now - this.askedAt < RETRY_INTERVAL_MS) return;
      this.askedAt = now;
      try {
        const answer = await fetch("/alive", { cache: "no-store", signal: AbortSignal.timeout(RETRY_INTERVAL_MS) });
        if (!answer.ok) throw new Error(answer.status);
        this.aliveSince ??= performance.now();
        if (performance.now() - this.aliveSince > RELOAD_AFTER_MS) window.location.reload();
      } catch {
        this.aliveSince = null; // not there yet; asked again in a second
      }
    },
    async draw() {
      let etag = "";
      let drawnAt = 0;
      while (!this.isDown) {
        const started = performance.now();
        if (!this.lost && !document.hidden) {
          try {
            const answer = await fetch(this.picture, {
              cache: "no-store",
              headers: etag && this.live ? { "If-None-Match": etag } : {},
              signal: AbortSignal.timeout(PICTURE_TIMEOUT_MS),
            });
            if (answer.status === 200) {
              const bitmap = await createImageBitmap(await answer.blob());
              if (!this.lost) this.paint(bitmap);
              bitmap.close();
              etag = answer.headers.get("ETag");
              drawnAt = performance.now();
            } else if (answer.status === 304) {
              drawnAt = performance.now();
            } else {
              this.wipePicture();
            }
          } catch {
            if (performance.now() - drawnAt > PICTURE_TIMEOUT_MS) this.wipePicture();
          }
        }
        await new Promise((done) => setTimeout(done, Math.max(10, PICTURE_INTERVAL_MS - (performance.now() - started))));
      }
    },
    paint(bitmap) {
      const canvas = this.$refs.canvas;
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
        this.aspect = bitmap.width / bitmap.height;
      }
      canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
      this.live = true;
    },
    wipePicture() {
      if (!this.live) return;
      this.live = false;
      const canvas = this.$refs.canvas;
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    },
    announce(tone, voice) {
      this.hush();
      const tone_ms = this.beep(TONES[tone]);
      if (!this.voice || !window.speechSynthesis) return;
      this.speaker = setTimeout(() => {
        for (const language of this.languages) {
          const line = new SpeechSynthesisUtterance(voice[language]);
          line.lang = VOICES[language];
          window.speechSynthesis.speak(line);
        }
      }, tone_ms);
    },
    hush() {
      clearTimeout(this.speaker);
      window.speechSynthesis?.cancel();
    },
    beep(notes) {
      if (!this.voice) return 0;
      this.audio ??= new AudioContext();
      if (this.audio.state === "suspended") this.audio.resume();
      let at = this.audio.currentTime;
      const begin = at;
      for (const [hertz, seconds] of notes) {
        if (hertz) {
          const oscillator = new OscillatorNode(this.audio, { type: "triangle", frequency: hertz });
          const gain = new GainNode(this.audio, { gain: 0 });
          gain.gain.linearRampToValueAtTime(0.8, at + 0.01);
          gain.gain.setValueAtTime(0.8, at + seconds - 0.02);
          gain.gain.linearRampToValueAtTime(0, at + seconds);
          oscillator.connect(gain).connect(this.audio.destination);
          oscillator.start(at);
          oscillator.stop(at + seconds);
        }
        at += seconds;
      }
      return 1000 * (at - begin);
    },
  },
  template: `
  <main class="sg-screen" :data-tone="tone" :data-live="live" :data-event="answer ? answer.event_id : null" :data-code="code ? 'yes' : null">
    <header class="sg-header">
      <div class="sg-place">
        <div class="sg-place-line"><both-words :text="scene.site" :languages="languages"/></div>
        <div class="sg-place-line sg-place-gate">
          <both-words :text="scene.gate" :languages="languages"/><i>·</i><both-words :text="scene.lane" :languages="languages"/>
        </div>
      </div>
      <div class="sg-direction"><svg-icon :name="scene.direction_icon"/><div><both-words :text="scene.direction" :languages="languages"/></div></div>
      <div class="sg-clock"><time>{{ scene.time_text }}</time><div class="sg-date"><both-words :text="scene.date" :languages="languages"/></div></div>
    </header>
    <section class="sg-view" aria-hidden="true">
      <figure v-if="code" class="sg-code">
        <figcaption><both-words :text="code.words" :languages="languages"/></figcaption>
        <div v-html="code.svg"></div>
      </figure>
      <div v-show="!code" class="sg-picture" :class="{ 'sg-mirror': scene.mirror }" :style="pictureStyle">
        <canvas ref="canvas" v-show="live"></canvas>
        <div v-if="framed" class="sg-box" :style="boxStyle"></div>
        <div v-if="!live" class="sg-no-picture"><both-words :text="words.noPicture" :languages="languages"/></div>
      </div>
    </section>
    <p v-if="answer && answer.name" class="sg-name">{{ answer.name }}</p>
    <section ref="panel" class="sg-panel" role="status" aria-live="assertive" aria-atomic="true">
      <template v-if="lost">
        <svg-icon name="fault"/>
        <h1 class="sg-title"><both-words :text="words.lost" :languages="languages"/></h1>
        <p class="sg-hint"><both-words :text="words.lostHint" :languages="languages"/></p>
      </template>
      <template v-else-if="answer">
        <div class="sg-verdict">
          <svg-icon :name="answer.icon"/>
          <h1 class="sg-title"><both-words :text="answer.title" :languages="languages"/></h1>
        </div>
        <div v-for="(line, i) in answer.reasons" :key="i" class="sg-reason" :class="{ 'sg-more': i }">
          <p class="sg-why"><both-words :text="line.text" :languages="languages"/></p>
          <p v-if="line.next && !i" class="sg-next"><both-words :text="line.next" :languages="languages"/></p>
        </div>
      </template>
      <template v-else>
        <svg-icon :name="panel.icon"/>
        <h1 class="sg-title"><both-words :text="panel.title" :languages="languages"/></h1>
        <p v-if="panel.hint" class="sg-hint"><both-words :text="panel.hint" :languages="languages"/></p>
      </template>
    </section>
    <footer class="sg-footer">
      <ul v-if="scene.notices.length" class="sg-notices" :aria-label="words.forGuard.zh + ' ' + words.forGuard.en">
        <li v-for="(text, i) in scene.notices" :key="i"><both-words :text="text" :languages="languages"/></li>
      </ul>
      <ul class="sg-health">
        <li v-for="item in scene.health" :key="item.part.en" :class="'sg-' + item.level">
          <b><both-words :text="item.part" :languages="languages"/></b><span v-if="item.detail" class="sg-detail">{{ item.detail }}</span>
        </li>
        <li v-if="!offline" class="sg-well"><b><both-words :text="words.allWell" :languages="languages"/></b></li>
      </ul>
      <span class="sg-version">{{ scene.version }}</span>
      <button v-if="guard" class="sg-guard" type="button" @click="$emit('guard')"><both-words :text="words.guard" :languages="languages"/></button>
    </footer>
  </main>`,
};
