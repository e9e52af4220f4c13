"""Words of the training pages on phones."""

from __future__ import annotations

from sync.words import Words

VERIFY = Words("培训证书核验", "Certificate check")
VALID = Words("证书有效", "Valid")
NOT_VALID = Words("证书无效或已过期", "Not valid, or no longer")
UNKNOWN = Words("没有这张证书，或记录还没有上传。", "No such certificate, or its record has not arrived yet.")
COURSE = Words("课程", "Course")
DATE = Words("日期", "Date")
UNTIL = Words("有效期至", "Valid until")
NAME = Words("姓名", "Name")
COMPARE = Words("请与持证人当面核对姓名。", "Compare the name with the person who shows it.")
