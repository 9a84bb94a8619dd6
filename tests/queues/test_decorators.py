import pytest
from pydantic import BaseModel

from queues import Batch, InvalidPayload, State, UnknownJob, UnknownQueue, add_job, add_jobs, get_queue, get_queue_stats, job
from queues.exceptions import AlreadyRegistered, InvalidJob, WrongQueue
from queues.jobs.registry import registry
from tests.testapp.jobs import QUEUE, Greeting, greet, greet_all, greet_model
from tests.testapp.models import Note


def test_enqueue_returns_the_waiting_job_with_its_id() -> None:
    job = greet.enqueue(name="Ann")
    assert (job.name, job.queue, job.data, job.state) == ("greet", QUEUE, {"name": "Ann", "seconds": 0.0}, State.WAITING)
    assert get_queue(QUEUE).job_ids("waiting") == [job.id]


def test_a_payload_model_may_be_given_whole_or_by_its_fields() -> None:
    assert greet_model.enqueue(Greeting(name="Ann")).data == greet_model.enqueue(name="Ann").data


def test_an_async_function_is_refused_since_nobody_would_await_it() -> None:
    with pytest.raises(InvalidJob, match="async"):

        @job(name="never", queue=QUEUE)
        async def never(*, name: str) -> None: ...


def test_a_called_job_runs_here_and_now() -> None:
    assert greet(name="Ann") == "hello Ann"


@pytest.mark.parametrize(
    ("data", "field"),
    [({}, "name"), ({"name": 7}, "name"), ({"name": "Ann", "seconds": "long"}, "seconds"), ({"name": "Ann", "other": 1}, "other")],
)
def test_a_wrong_payload_is_refused_before_redis_and_names_the_field(data: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidPayload, match=field):
        add_job(QUEUE, "greet", data)
    assert get_queue_stats(QUEUE).waiting == 0


def test_one_wrong_payload_of_many_adds_none() -> None:
    with pytest.raises(InvalidPayload):
        add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("greet", {})])
    assert get_queue_stats(QUEUE).waiting == 0


def test_unknown_names_say_what_is_known() -> None:
    with pytest.raises(UnknownQueue, match="email-sync"):
        add_job("nowhere", "greet", {"name": "Ann"})
    with pytest.raises(UnknownJob, match="greet-all"):
        add_job(QUEUE, "nothing", {})
    with pytest.raises(WrongQueue, match=QUEUE):
        add_job("email-sync", "greet", {"name": "Ann"})


def test_a_name_belongs_to_one_function() -> None:
    with pytest.raises(AlreadyRegistered):

        @job(name="greet", queue=QUEUE)
        def another(*, name: str) -> None: ...


def test_batch_and_its_annotation_go_together() -> None:
    with pytest.raises(InvalidJob, match="batch="):

        @job(name="no-size", queue=QUEUE)
        def no_size(batch: Batch[Greeting]) -> None: ...


def test_a_parameter_without_annotation_is_no_payload() -> None:
    with pytest.raises(InvalidJob, match="name"):

        @job(name="bare", queue=QUEUE)
        def bare(name) -> None: ...  # type: ignore[no-untyped-def]


def test_a_row_is_no_payload() -> None:
    with pytest.raises(InvalidJob, match=r"greet_note: a payload is JSON, so take a row's key .*Note"):

        @job(name="greet-note", queue=QUEUE)
        def greet_note(*, note: Note) -> None: ...


def test_the_model_of_a_batch_is_its_payload() -> None:
    assert greet_all.definition.model is Greeting
    assert issubclass(greet_all.definition.model, BaseModel)
    assert registry.get("greet-all").batch == 10


def test_a_parameter_may_be_called_as_a_method_of_the_model_is() -> None:
    @job(name="copy-file", queue="notifications")
    def copy_file(*, copy: str, json: str) -> str:
        return f"{copy} {json}"

    registry.unregister("copy-file")
    assert copy_file.definition.call({"copy": "a", "json": "b"}) == "a b"
