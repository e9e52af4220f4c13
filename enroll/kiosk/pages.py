"""The list of the kiosk's pages and routes, in the order of the menu. A new page is added here."""

from __future__ import annotations

from enroll.kiosk import words
from enroll.kiosk.frame import KioskPage, KioskRoute, KioskVisitor
from enroll.kiosk.page_audit import AUDIT_PAGE
from enroll.kiosk.page_capture import CAPTURE_PAGE, CAPTURE_ROUTES
from enroll.kiosk.page_consent import CONSENT_PAGE
from enroll.kiosk.page_declare import DECLARE_PAGE
from enroll.kiosk.page_done import DONE_PAGE, PHOTO_ROUTE
from enroll.kiosk.page_home import build_tiles
from enroll.kiosk.page_identity import IDENTITY_PAGE
from enroll.kiosk.page_import import IMPORT_PAGE, IMPORT_ROUTES
from enroll.kiosk.page_pass import PASS_PAGE, PASS_ROUTES
from enroll.kiosk.page_receipt import RECEIPT_PAGE
from enroll.kiosk.page_refused import REFUSED_PAGE
from enroll.kiosk.page_site_report import SITE_REPORT_PAGE
from enroll.kiosk.page_training import TRAINING_PAGE, TRAINING_ROUTES
from enroll.kiosk.page_worker import WORKER_PAGE
from enroll.kiosk.page_workers import AGEING_PAGE, WORKERS_PAGE


async def _build_home(visitor: KioskVisitor) -> None:
    build_tiles(visitor, PAGES[1:])


PAGES: tuple[KioskPage, ...] = (
    KioskPage("/", words.HOME, _build_home, icon="home"),
    IDENTITY_PAGE,
    CONSENT_PAGE,
    CAPTURE_PAGE,
    DONE_PAGE,
    WORKERS_PAGE,
    AGEING_PAGE,
    WORKER_PAGE,
    PASS_PAGE,
    RECEIPT_PAGE,
    IMPORT_PAGE,
    TRAINING_PAGE,
    DECLARE_PAGE,
    SITE_REPORT_PAGE,
    REFUSED_PAGE,
    AUDIT_PAGE,
)

ROUTES: tuple[KioskRoute, ...] = (
    PHOTO_ROUTE,
    *CAPTURE_ROUTES,
    *IMPORT_ROUTES,
    *PASS_ROUTES,
    *TRAINING_ROUTES,
)
