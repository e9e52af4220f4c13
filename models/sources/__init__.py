"""Where frames come from: a camera, a network stream, a video file or a folder of pictures."""
