"""A slow client never has more than four frames on the way; past that it gets a number and nothing else."""

from console.live.frames import Frame, History, RowFragment
from console.live.window import IN_FLIGHT, Window


def frame(start: int, rows: int = 1) -> Frame:
    return Frame(
        since=start,
        cursor=start + 1,
        rows=tuple(RowFragment(id=f"intent_{start}_{n}", groups=("all",), html="<tr></tr>") for n in range(rows)),
    )


def test_frames_go_out_while_they_are_confirmed() -> None:
    window = Window()
    for start in range(50):
        (message,) = window.offer(frame(start))
        assert message["t"] == "frame"
        assert window.confirm(message["n"]) == []


def test_a_client_that_never_answers_gets_four_frames_and_one_counter() -> None:
    window = Window()
    sent = [message for start in range(1000) for message in window.offer(frame(start))]
    assert [message["t"] for message in sent] == ["frame"] * IN_FLIGHT + ["more"]


def test_the_counter_goes_up_when_it_is_confirmed() -> None:
    window = Window()
    sent = [message for start in range(10) for message in window.offer(frame(start, rows=2))]
    (later,) = window.confirm(sent[-1]["n"])
    assert later["t"] == "more"
    assert later["count"] == 12  # 10 frames of two rows, four of them sent
    assert window.confirm(later["n"]) == []


def test_a_client_that_caught_up_gets_frames_again() -> None:
    window = Window()
    sent = [message for start in range(10) for message in window.offer(frame(start))]
    for message in sent:
        window.confirm(message["n"])
    window.start()
    assert window.offer(frame(11))[0]["t"] == "frame"


def test_nothing_moves_while_paused() -> None:
    window = Window()
    window.pause()
    (message,) = window.offer(frame(1))
    assert message["t"] == "more"
    window.start()
    assert window.offer(frame(2))[0]["t"] == "frame"


def test_a_short_absence_is_answered_with_one_frame_of_the_latest_rows() -> None:
    history = History()
    for start in range(10):
        history.add(frame(start))
    missed = history.after(4)
    assert missed is not None
    assert (missed.since, missed.cursor, len(missed.rows)) == (4, 10, 6)


def test_a_long_absence_needs_the_page_again() -> None:
    history = History()
    for start in range(100):
        history.add(frame(start))
    assert history.after(4) is None  # more rows than fit a frame
    for start in range(100, 1000):
        history.add(frame(start))
    assert history.after(10) is None  # not kept any more
