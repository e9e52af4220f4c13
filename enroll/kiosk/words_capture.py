"""Words of the capture page and of the question about look-alikes."""

from __future__ import annotations

from enroll.capture import Guidance
from sync.words import Words

TITLE = Words("拍摄人脸", "Capture the face")
LIVE_PICTURE = Words("摄像头实时画面（镜像）", "Live picture of the camera (mirrored)")
POSES_TITLE = Words("拍摄进度", "Pictures")
STARTING = Words("正在打开摄像头…", "Opening the camera…")
NO_CAMERA = Words("摄像头没有画面", "No picture from the camera")

AGAIN = Words("重新拍摄", "Start again")
RETAKE = Words("重拍", "Again")
SKIP_POSE = Words("做不到此姿势，跳过", "Cannot do this: skip")
VOUCH = Words("本人在场，继续", "A living person: go on")
HELMET_IS_ON = Words("已戴好安全帽", "The helmet is on")
USE_FILE = Words("使用照片文件", "Use a photo file")
FILES = Words("照片文件", "Photo files")
USE_FILES = Words("用这些照片", "Use these photos")
SKIP_FACE = Words("不拍人脸，用二维码或工牌", "No face: QR pass or badge")
TOO_LARGE = Words("文件过大", "The file is too large")
TAKEN = Words("已拍", "taken")
WAITED_FOR = Words("待拍", "waited for")
SKIPPED = Words("已跳过", "skipped")

CHECKING = Words("拍摄完成，正在比对是否重复登记…", "Taken. Looking for earlier registrations…")
ASKING_CENTRE = Words("正在询问中心…", "Asking the centre…")
NO_DUPLICATE = Words("没有发现重复登记", "No earlier registration found")
REGISTRY_OUTSTANDING = Words(
    "只比对了本机名单；中心收到登记后会再次比对",
    "Compared here only; the centre checks again when it arrives",
)

DUPLICATE_TITLE = Words("可能已经登记过", "Perhaps registered already")
SAME_FACE = Words("人脸相似", "The faces are alike")
SAME_DOCUMENT = Words("证件相同", "The same document")
THIS_CAPTURE = Words("本次登记", "This registration")
KNOWN_RECORD = Words("已有档案", "Known record")
NO_PHOTO = Words("本机没有照片", "No photo here")
SIMILARITY = Words("相似度", "Similarity")
THRESHOLD = Words("阈值", "threshold")
SAME_PERSON = Words("是同一人，打开该档案", "Same person: open that record")
SAME_PERSON_AWAY = Words("是同一人，由中心合并", "Same person: the centre joins them")
DIFFERENT_PERSON = Words("不是同一人", "Different people")
LEFT_OPEN = Words("不能确定，由中心决定", "Not sure: the centre decides")
REASON = Words("如何区分两人？", "How were they told apart?")
REASONS = (
    Words("已核对证件原件", "Papers of both were checked"),
    Words("双胞胎或亲属", "Twins or relatives"),
    Words("面貌明显不同", "Clearly different faces"),
)
REASON_MISSING = Words("请说明原因", "Please give a reason")

GUIDANCE = {
    Guidance.NO_FACE: Words("请站到摄像头前", "Stand before the camera"),
    Guidance.TWO_PEOPLE: Words("画面中有其他人，请只留一人", "Two people in the picture: one at a time"),
    Guidance.COME_CLOSER: Words("请靠近一些", "Come closer"),
    Guidance.STEP_BACK: Words("请后退一些", "Step back a little"),
    Guidance.INTO_THE_OVAL: Words("请将脸移到框内", "Move your face into the oval"),
    Guidance.LOOK_AHEAD: Words("请正视摄像头", "Look straight ahead"),
    Guidance.TURN_LEFT: Words("请稍向左转头", "Turn your head a little left"),
    Guidance.TURN_RIGHT: Words("请稍向右转头", "Turn your head a little right"),
    Guidance.LOOK_UP: Words("请稍抬头", "Look up a little"),
    Guidance.LOOK_DOWN: Words("请稍低头", "Look down a little"),
    Guidance.HOLD_STILL: Words("请保持不动", "Hold still"),
    Guidance.TOO_DARK: Words("光线太暗", "Too dark"),
    Guidance.TOO_BRIGHT: Words("光线太强", "Too bright"),
    Guidance.UNCOVER_FACE: Words("请露出整张脸", "Uncover your face"),
    Guidance.STRAIGHTEN_HEAD: Words("请把头摆正", "Hold your head straight"),
    Guidance.NOT_LIVE: Words("不像真人，请勿使用照片或屏幕", "This looks like a photo or a screen"),
    Guidance.LIVENESS_MISSING: Words(
        "缺少活体检测文件，不能拍摄", "Liveness cannot be checked: its weights are missing"
    ),
    Guidance.SOMEBODY_ELSE: Words("与之前拍摄的不是同一人", "Not the person of the first pictures"),
    Guidance.HELMET_ON: Words("请戴上安全帽", "Put the helmet on"),
    Guidance.DONE: Words("拍摄完成", "All pictures are taken"),
}

PHOTO_REFUSED = {
    "not_a_photo": Words("文件不是图片或已损坏", "No picture, or damaged"),
    "no_face": Words("照片中没有找到人脸", "No face in the photo"),
    "several_faces": Words("照片中有多张人脸", "Several faces in the photo"),
    "different_people": Words("几张照片不是同一人", "The photos show different people"),
    "enough": Words("照片已足够", "These are photos enough"),
    "no_photo": Words("还没有照片", "There is no photo yet"),
    "come_closer": Words("照片中的脸太小", "The face is too small"),
    "step_back": Words("照片中的脸太大", "The face is too large"),
    "look_ahead": Words("照片不是正面", "The head is turned"),
    "turn_left": Words("照片不是正面", "The head is turned"),
    "turn_right": Words("照片不是正面", "The head is turned"),
    "look_up": Words("照片中低着头", "The head is bowed"),
    "look_down": Words("照片中仰着头", "The head is raised"),
    "hold_still": Words("照片模糊", "The face is blurred"),
    "too_dark": Words("照片太暗", "The face is too dark"),
    "too_bright": Words("照片太亮", "The face is too bright"),
    "uncover_face": Words("照片中的脸被遮挡", "The face is covered"),
    "straighten_head": Words("照片中的头歪斜", "The head is tilted"),
}
