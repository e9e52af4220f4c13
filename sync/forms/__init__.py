"""Forms as data: described in versioned YAML files, checked by one function. Pure; no form is special."""

from sync.forms.catalogue import form, newest_form
from sync.forms.checking import Checked, Problem, check
from sync.forms.description import Field, Form, FormInvalid, Kind, Said, UnknownForm
from sync.forms.entry import Entered, entered, group_added, group_removed

__all__ = [
    "Checked",
    "Entered",
    "Field",
    "Form",
    "FormInvalid",
    "Kind",
    "Problem",
    "Said",
    "UnknownForm",
    "check",
    "entered",
    "form",
    "group_added",
    "group_removed",
    "newest_form",
]
