import pytest

from benchmarks.support.profiling import Frame, ProfileError, classify, parse_stacks, shares_by_thread

POOL = "Thread._bootstrap (threading.py:1002);_worker (concurrent/futures/thread.py:83)"
WORK = f"{POOL};add_enrich.<locals>.work (streams/agents/enrich.py:45);Enricher.enrich (streams/logic/enricher.py:98)"
READ = f"{WORK};Enricher._infer (streams/logic/enricher.py:153);Encoder.read (models/runtime.py:104)"
MAIN = "main (streams/cli/main.py:54);run_worker (streams/worker/run.py:48);run (uvloop/__init__.py:92)"
LOOP = f"{MAIN};Runner.run (asyncio/runners.py:118)"
THREAD = "WorkerThread.run (mode/threads.py:62);BaseEventLoop._run_once (asyncio/base_events.py:1922)"


def kind_of(stack: str) -> str:
    return classify(parse_stacks(f"thread (1): any;{stack} 1")[0].frames)


@pytest.mark.parametrize(
    ("stack", "kind"),
    [
        (POOL, "idle"),
        (LOOP, "idle"),
        (f"{THREAD};EpollSelector.select (selectors.py:468)", "idle"),
        (f"{READ};TextTokenizer.encode (models/tokens.py:110)", "tokenising"),
        (f"{READ};TextTokenizer._describe (models/tokens.py:150);<lambda> (<string>:1)", "tokenising"),
        (f"{READ};Session.run (onnxruntime/capi/onnxruntime_inference_collection.py:406)", "inference"),
        (f"{READ};Reader.read (models/readings.py:72);_sum (numpy/_core/_methods.py:49)", "reading the outputs"),
        (f"{WORK};decode_message (streams/contract/incoming.py:99)", "JSON and records"),
        (f"{LOOP};Service._execute_task (mode/services.py:878);wait (asyncio/tasks.py:1)", "Faust"),
        (f"{LOOP};Service._execute_task (mode/services.py:878);f (aiokafka/client.py:1)", "aiokafka"),
        (f"{LOOP};Pipeline._finish (streams/worker/pipeline.py:150)", "Tocsin's pipeline"),
        (f"{LOOP};_count (streams/agents/enrich.py:110);observe (prometheus_client/metrics.py:1)", "metrics"),
        (f"{LOOP};Event.set (asyncio/locks.py:192)", "asyncio"),
        (f"{THREAD};Handle._run (asyncio/events.py:80)", "asyncio"),
        ("f (elsewhere.py:1)", "other"),
    ],
)
def test_the_innermost_frame_that_is_known_decides(stack: str, kind: str) -> None:
    assert kind_of(stack) == kind


def test_stacks_are_read_with_thread_and_samples() -> None:
    (stack,) = parse_stacks("thread (42): work_0;outer (a/b.py:1);inner (<string>) 17\n")
    assert (stack.thread_id, stack.thread, stack.samples) == (42, "work_0", 17)
    assert stack.frames == [Frame("outer", "a/b.py"), Frame("inner", "<string>")]


def test_a_line_without_a_thread_is_an_error() -> None:
    with pytest.raises(ProfileError, match="names no thread"):
        parse_stacks("outer (a.py:1) 3")


def test_shares_are_of_each_thread_and_the_largest_come_first() -> None:
    raw = "\n".join(
        [
            f"thread (1): work_0;{POOL} 10",
            f"thread (1): work_0;{READ};run (onnxruntime/x.py:1) 70",
            f"thread (1): work_0;{WORK};run (streams/contract/records.py:1) 20",
            f"thread (2): MainThread;{LOOP} 50",
            "thread (3): watchdog;wait (threading.py:1) 999",
        ]
    )
    shares = shares_by_thread(parse_stacks(raw))
    assert shares == {
        "work": {"inference": 0.7, "JSON and records": 0.2, "idle": 0.1},
        "event loop": {"idle": 1.0},
    }
    assert list(shares["work"]) == ["inference", "JSON and records", "idle"]
