"""Card readers: the line protocol over a real pseudo terminal, and the simulated one."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Iterator
from datetime import date

import pytest

from enroll.id_reader import IdCard, IdReaderFault, open_reader
from enroll.id_reader.line import LineReader
from enroll.id_reader.simulated import SimulatedReader, sample_card
from enroll.settings import IdReaderSettings
from sync.people import DocumentType, Sex
from sync.resident_number import parse_resident_number

CARD = (
    'CARD {"type":"resident_id","number":"11010519491231002X","name":"示例工人","sex":"female",'
    '"birth":"19491231","address":"示例市"}'
)
SILENT = ""


class Device:
    """The other end of the line: answers every READ with `answer`."""

    def __init__(self) -> None:
        self.answer = "NOCARD"
        self.questions: list[bytes] = []
        self._far, near = pty.openpty()
        tty.setraw(near)
        self.path = os.ttyname(near)
        self._near = near
        self._unplugged = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        pending = b""
        while not self._unplugged.is_set():
            if select.select([self._far], [], [], 0.02)[0]:
                pending += os.read(self._far, 100)
            while b"\n" in pending:
                line, _, pending = pending.partition(b"\n")
                self.questions.append(line)
                if self.answer:
                    os.write(self._far, f"{self.answer}\n".encode())

    def unplug(self) -> None:
        if not self._unplugged.is_set():
            self._unplugged.set()
            self._thread.join()
            os.close(self._near)
            os.close(self._far)


@pytest.fixture
def device() -> Iterator[Device]:
    plugged_in = Device()
    yield plugged_in
    plugged_in.unplug()


@pytest.fixture
def reader(device: Device) -> Iterator[LineReader]:
    opened = LineReader(device.path, baud=115_200, timeout_s=20.0)
    yield opened
    opened.close()


def test_a_card_comes_over_the_line(device: Device, reader: LineReader) -> None:
    device.answer = CARD
    assert reader.read() == IdCard(
        DocumentType.RESIDENT_ID, "11010519491231002X", "示例工人", Sex.FEMALE, date(1949, 12, 31), "示例市"
    )
    assert device.questions == [b"READ"]


def test_no_card_is_no_fault(reader: LineReader) -> None:
    assert reader.read() is None


@pytest.mark.parametrize(
    "answer", ["ERROR chip dirty", "CARD {", "CARD []", 'CARD {"type":"resident_id"}', "hello", "CARD {}"]
)
def test_what_is_no_card_is_a_fault_that_repeats_nothing_of_it(
    device: Device, reader: LineReader, answer: str
) -> None:
    device.answer = answer
    with pytest.raises(IdReaderFault) as caught:
        reader.read()
    assert caught.value.next_step
    assert caught.value.words is not None
    assert "resident_id" not in str(caught.value)
    device.answer = CARD
    assert reader.read() is not None


def test_a_silent_reader_is_a_fault_and_works_again_afterwards(device: Device) -> None:
    reader = LineReader(device.path, baud=115_200, timeout_s=0.1)
    device.answer = SILENT
    with pytest.raises(IdReaderFault, match="did not answer"):
        reader.read()
    reader.close()
    device.answer = "NOCARD"
    patient = LineReader(device.path, baud=115_200, timeout_s=20.0)
    assert patient.read() is None
    patient.close()


def test_a_reader_that_was_pulled_out_is_a_fault(device: Device, reader: LineReader) -> None:
    assert reader.read() is None
    device.unplug()
    with pytest.raises(IdReaderFault):
        reader.read()
    with pytest.raises(IdReaderFault):
        reader.read()


def test_the_simulated_reader_gives_cards_that_pass_the_check_and_can_be_unplugged() -> None:
    reader = SimulatedReader()
    for number in range(30):
        card = sample_card(number)
        found = parse_resident_number(card.number, date(2026, 1, 1))
        assert (found.birth_date, found.sex) == (card.birth_date, card.sex)
    reader.lay(None)
    assert reader.read() is None
    assert reader.read() == sample_card(0)
    reader.is_plugged_in = False
    with pytest.raises(IdReaderFault):
        reader.read()


def test_the_driver_follows_the_configuration() -> None:
    assert open_reader(IdReaderSettings()) is None
    assert isinstance(open_reader(IdReaderSettings(driver="simulated")), SimulatedReader)
    assert isinstance(open_reader(IdReaderSettings(driver="serial", device="/dev/x")), LineReader)
