"""The one settings object: defaults < ``tocsin.toml`` < ``TOCSIN_*`` environment < command-line flags.

An unknown key is an error wherever it stands, in the file or in the environment, so that a misspelt setting never
passes for a default.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from streams.contract.alerts import SurgeKind
from streams.contract.model_settings import DriftSettings, LabelsSettings, RetrainSettings, SwapSettings
from streams.contract.records import SourceKind
from streams.contract.section import Secret, Section, Text, TopicName
from streams.contract.service_settings import (
    BriefsSettings,
    ConnectorSettings,
    DeskSettings,
    GeneratorSettings,
    RecommendSettings,
    RepliesSettings,
)
from streams.contract.settings_pairs import check_pairs
from streams.contract.settings_sources import (
    CONFIG_VARIABLE,
    PREFIX,
    FileSource,
    unknown_variables,
    variables_without_json,
)
from streams.contract.subjects import SubjectKind

_SECONDS_PER_HOUR = 3600


class SettingsError(ValueError):
    """A setting is unknown or has an impossible value; the message names it and where to mend it."""


class KafkaSettings(Section):
    """How to reach the brokers, for both clients (aiokafka under Faust, kafka-python in the commands)."""

    bootstrap_servers: Text = Field("127.0.0.1:9092", description="Comma-separated host:port of any brokers.")
    client_id: Text = Field("tocsin", description="Client id shown in the brokers' logs and quotas.")
    group_id: Text = Field("tocsin", description="Consumer group of the workers, and the Faust application id.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Transport security."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, where security_protocol has SASL."
    )
    sasl_username: str | None = Field(None, description="SASL user name.")
    sasl_password: Secret = Field(None, description="SASL password; never shown.")
    ssl_cafile: Path | None = Field(None, description="Certificate authorities (PEM); the system's where absent.")
    ssl_certfile: Path | None = Field(None, description="Client certificate (PEM) for mutual TLS.")
    ssl_keyfile: Path | None = Field(None, description="Client key (PEM) for mutual TLS.")
    ssl_check_hostname: bool = Field(default=True, description="Check that the certificate names the host.")
    session_timeout_seconds: PositiveFloat = Field(
        10.0, description="A worker silent for so long is taken out of the group and its partitions move."
    )
    heartbeat_interval_seconds: PositiveFloat = Field(2.0, description="How often a worker says that it lives.")
    request_timeout_seconds: PositiveFloat = Field(30.0, description="How long one request may take.")
    delivery_timeout_seconds: PositiveFloat = Field(
        30.0, description="How long a command waits for a message to be acknowledged, all attempts together."
    )
    fetch_max_wait_seconds: PositiveFloat = Field(
        0.02, description="How long a broker may gather messages for a worker's fetch: no message waits longer for it."
    )
    fetch_min_bytes: PositiveInt = Field(
        64 * 1024,
        description="A worker's fetch of so many is answered at once, one of fewer at the end of the wait.",
    )
    commit_interval_seconds: PositiveFloat = Field(1.0, description="How often acknowledged offsets are committed.")


class TopicsSettings(Section):
    """Names, sizes and retention of topics."""

    prefix: str = Field("tocsin.", pattern=r"^[A-Za-z0-9._-]*$", description="Put before every output topic's name.")
    inputs: dict[TopicName, SourceKind] = Field(
        default={"news": "news", "social": "social", "customer": "customer"},
        description="Your input topics, each with the kind of message it carries; customers' messages have intents.",
    )
    partitions: PositiveInt = Field(4, description="Partitions of each topic at creation; keep it once it is set.")
    replication: PositiveInt = Field(1, description="Replication factor; 3 on a cluster.")
    retention_hours: PositiveFloat = Field(168.0, description="How long messages are kept.")
    dead_letter_retention_hours: PositiveFloat = Field(720.0, description="How long dead letters are kept.")
    state_segment_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        52_428_800,
        description="Size of a segment of the topics of state. What is in the open one is not compacted, and is read "
        "back whole when a partition moves. Some hosted brokers take no less than this.",
    )


class EnrichSettings(Section):
    """The enrich agent: batching and limits."""

    batch_max: Annotated[int, Field(ge=1, le=4096)] = Field(
        128, description="Most messages read in one batch; the larger, the less is lost to padding under load."
    )
    batch_wait_seconds: PositiveFloat = Field(
        0.04,
        description="How long a batch may wait to fill while the model has nothing to do; a message that comes after "
        "so long a silence does not wait.",
    )
    lanes: Annotated[int, Field(ge=0)] = Field(
        0, description="Batches read at the same time; 0 is one for each core that the worker may use."
    )
    max_message_bytes: PositiveInt = Field(1_000_000, description="A larger message is a dead letter.")
    max_text_chars: PositiveInt = Field(100_000, description="A longer text is a dead letter.")
    max_attempts: PositiveInt = Field(3, description="How often a message that fails is tried before it is dead.")
    publish_embedding: bool = Field(default=False, description="Put the text embedding into each prediction.")


class ModelSettings(Section):
    """The encoder: where its versions are kept and how it is served."""

    registry: Text = Field(".tocsin/registry", description="Folder or fsspec URL (s3://, gs://) of model versions.")
    key_file: Path | None = Field(
        None, description="File with a key of 32 bytes or more: versions are signed by it, and none is taken unsigned."
    )
    cache: Path = Field(Path(".tocsin/cache"), description="Local folder for fetched weights and versions.")
    name: str = Field("encoder", pattern=r"^[a-z0-9-]+$", description="Name of the served model in the registry.")
    alias: Text = Field("champion", description="Alias or version number that is served.")
    base: Text = Field(
        "package:bge-small-en",
        description="Base weights: package:bge-small-en, package:minilm-l6 (half the work, and weaker), a folder, or a "
        "Hugging Face id of a BERT-like encoder.",
    )
    max_tokens: Annotated[int, Field(ge=8, le=512)] = Field(
        128, description="Longer texts are cut at a token boundary for the model, never for the record."
    )
    sub_batch: PositiveInt = Field(16, description="Most texts in one run of the graph, sorted by length.")
    threads: Annotated[int, Field(ge=0)] = Field(
        1, description="Threads of one run of the graph; 0 is one a physical core. Lanes use cores better."
    )


class SurgeSettings(Section):
    """The surge agent: event time, the detector, and the false-alarm budget."""

    enabled: bool = Field(default=True, description="Count what is said of each subject, and ring when it surges.")
    subjects: tuple[SubjectKind, ...] = Field(
        ("topic", "entity", "entity_topic"), description="What can ring: topics, entities, entities within a topic."
    )
    kinds: tuple[SurgeKind, ...] = Field(("negative",), description="Kinds of surge that ring.")
    window_seconds: PositiveInt = Field(300, description="Length of a counting window; it must divide an hour.")
    allowed_lateness_seconds: Annotated[float, Field(ge=0)] = Field(
        120.0, description="How long after a window's end its messages may still come."
    )
    max_future_seconds: PositiveFloat = Field(
        300.0, description="A message dated so much later than it came does not move the clock."
    )
    idle_seconds: PositiveFloat = Field(
        30.0, description="An input partition in which nothing came for so long holds the clock back no more."
    )
    max_skew_seconds: PositiveFloat = Field(
        900.0, description="So far, at most, may an input partition that is read to its end hold the clock back."
    )
    heartbeat_seconds: PositiveFloat = Field(1.0, description="How often a worker tells how far its inputs are.")
    false_alarms_per_week: PositiveFloat = Field(
        2.0, description="Budget of the whole desk, shared over all its subjects."
    )
    watchlist_false_alarms_per_week: PositiveFloat = Field(
        2.0, description="Budget of the watchlist, shared over the subjects on it."
    )
    min_negatives: PositiveInt = Field(5, description="Fewer messages in a window are no surge, however unusual.")
    warm_up_hours: PositiveFloat = Field(
        24.0, description="A subject younger than this has no usual volume: it rings by its share alone."
    )
    warm_up_messages: PositiveFloat = Field(
        20.0, description="Nor has one of which fewer messages are older than that, the earlier ones counting for less."
    )
    resolve_windows: PositiveInt = Field(3, description="Calm windows in a row after which an alert is resolved.")
    cool_down_seconds: Annotated[float, Field(ge=0)] = Field(
        1800.0, description="So long after its end a subject rings again only if it is ten times as unusual."
    )
    forget_hours: PositiveFloat = Field(336.0, description="A subject silent for so long is forgotten.")
    max_subjects: Annotated[int, Field(ge=100)] = Field(
        50_000, description="Most subjects of one partition of signals; of the silent ones the youngest make room."
    )
    evidence_messages: Annotated[int, Field(ge=1, le=20)] = Field(5, description="Messages told with an alert.")
    checkpoint_events: Annotated[int, Field(ge=1)] = Field(
        2048, description="Records of signals between two checkpoints; each carries those of a batch."
    )
    checkpoint_seconds: PositiveFloat = Field(10.0, description="Longest time between two checkpoints.")
    recovery_timeout_seconds: PositiveFloat = Field(
        45.0, description="Longest time to read a partition's state; then the worker exits, to be started again."
    )

    @field_validator("window_seconds")
    @classmethod
    def _divides_an_hour(cls, seconds: int) -> int:
        if _SECONDS_PER_HOUR % seconds:
            raise ValueError("must divide an hour, such as 60, 120, 300 or 900 seconds")
        return seconds


class AlertmanagerSettings(Section):
    """Where alerts are pushed to, beside the alerts topic."""

    url: str | None = Field(None, description="Base address of an Alertmanager (API v2); nothing is pushed without.")
    resend_seconds: PositiveFloat = Field(60.0, description="How often what fires is told again, as it must be.")
    timeout_seconds: PositiveFloat = Field(5.0, description="How long one push may take.")
    generator_url: str = Field("", description="Put before a subject's key to make an alert's generatorURL.")


class MetricsSettings(Section):
    """The address of /metrics, /healthz and /readyz."""

    host: Text = Field("127.0.0.1", description="Address to listen on; loopback unless you say otherwise.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(9464, description="Port; 0 takes a free one.")


class ExporterSettings(Section):
    """The consumer-lag exporter."""

    host: Text = Field("127.0.0.1", description="Address to listen on; loopback unless you say otherwise.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(9465, description="Port; 0 takes a free one.")
    groups: tuple[str, ...] = Field(
        (), description="Further consumer groups to watch on Tocsin's topics, such as those that read predictions."
    )
    timeout_seconds: PositiveFloat = Field(
        8.0, description="How long the brokers may take to tell; less than Prometheus's scrape_timeout (10 s)."
    )


class WorkerSettings(Section):
    """The worker process."""

    data_dir: Path = Field(Path(".tocsin/worker"), description="Folder for the worker's own state.")
    shutdown_timeout_seconds: PositiveFloat = Field(
        20.0, description="On SIGTERM: finish what is in hand, commit and leave the group within so long."
    )
    stall_timeout_seconds: Annotated[float, Field(ge=3.0)] = Field(
        60.0, description="With lag and no committed offset moving for so long, the worker exits to be restarted."
    )


class LogSettings(Section):
    """Logs go to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level shown.")
    format: Literal["console", "json"] = Field("console", description="For people, or one JSON object a line.")


class Settings(BaseSettings):
    """Every setting of Tocsin, by section.

    Environment variables nest with two underscores: ``TOCSIN_KAFKA__BOOTSTRAP_SERVERS``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=None
    )

    domain: str = Field("finance", description="A domain that is shipped, or the folder of your own.")
    kafka: KafkaSettings = KafkaSettings()
    topics: TopicsSettings = TopicsSettings()
    enrich: EnrichSettings = EnrichSettings()
    model: ModelSettings = ModelSettings()
    surge: SurgeSettings = SurgeSettings()
    labels: LabelsSettings = LabelsSettings()
    retrain: RetrainSettings = RetrainSettings()
    swap: SwapSettings = SwapSettings()
    drift: DriftSettings = DriftSettings()
    generator: GeneratorSettings = GeneratorSettings()
    replies: RepliesSettings = RepliesSettings()
    connector: ConnectorSettings = ConnectorSettings()
    briefs: BriefsSettings = BriefsSettings()
    recommend: RecommendSettings = RecommendSettings()
    desk: DeskSettings = DeskSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    metrics: MetricsSettings = MetricsSettings()
    exporter: ExporterSettings = ExporterSettings()
    worker: WorkerSettings = WorkerSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        check_pairs(self)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the name is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        file = config_file()
        toml = (FileSource(settings_cls, file),) if file else ()
        return (init_settings, env_settings, *toml)


def config_file() -> Path | None:
    """The settings file in force: ``$TOCSIN_CONFIG``, else ``./tocsin.toml`` where there is one."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            raise SettingsError(f"{CONFIG_VARIABLE} names {path}, which is not a file")
        return path
    path = Path("tocsin.toml")
    return path if path.is_file() else None


def load_settings(**flags: Any) -> Settings:  # noqa: ANN401  sections as nested dicts
    """Read the settings.

    Args:
        flags: Sections as nested dicts, such as ``kafka={"bootstrap_servers": ...}``; they win over all else.

    Raises:
        SettingsError: A key is unknown or a value impossible; the message names each.
    """
    unknown = unknown_variables(Settings)
    if unknown:
        raise SettingsError(
            f"unknown environment variable {', '.join(unknown)}: `tocsin config show` lists every setting"
        )
    try:
        return Settings(**flags)
    except ValidationError as error:
        where = config_file()
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        place = f"{where} or a {PREFIX}* variable" if where else f"a {PREFIX}* variable or a flag"
        raise SettingsError(f"{problems} (set in {place})") from None
    except SourceError as error:
        # The values are not told: any may be a secret.
        names = ", ".join(variables_without_json(Settings)) or str(error)
        raise SettingsError(
            f'settings cannot be read: {names}: no JSON, as sections, tables and lists need: {{"a": "b"}} or ["a", "b"]'
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings cannot be read: {config_file()}: {error}") from error
    except OSError as error:
        raise SettingsError(f"settings cannot be read: {error}") from error
