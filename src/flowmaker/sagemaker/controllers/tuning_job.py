"""Makes tuning jobs happen: their trials are training jobs like any other.

A trial and its training job are written in one transaction, guarded by the tuning job's revision:
after a crash there is neither a trial without its job nor a job twice.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowmaker import ids
from flowmaker.errors import FlowmakerError
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.container.series import Series
from flowmaker.sagemaker.controllers import training_job
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.tuner import NotReady, Tuner
from flowmaker.sagemaker.lifecycle import suggestions, training, trial_requests
from flowmaker.sagemaker.lifecycle import tuning as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.training import TrainingState
from flowmaker.sagemaker.records.tuning import Counts, Search, Trial, TuningState
from flowmaker.sagemaker.repository import resources, trials

#: Seconds between looks at how trials do that may be stopped early.
LOOK = 1.0
#: Seconds until the tuner's environment is asked for again, should no word come.
PATIENCE = 10.0
#: A Bayesian search is told as many results of a job: after ten thousand it costs no more.
_BEST, _LATEST = 100, 400
#: A trial that may be stopped early is compared with as many that have ended.
_RIVALS = 500


class TuningJobs:
    """The controller of tuning jobs."""

    topic = "tuning_job"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tuner = Tuner(parts.environments)
        #: The objective, epoch by epoch, of trials that have ended: by tuning job, by training job.
        self._past: dict[str, dict[str, list[float]]] = {}
        self._metrics = Series()

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(resources.open_ids, Kind.TUNING_JOB)

    async def reconcile(self, key: str) -> float | None:
        job = await self._parts.load(key)
        if job is None or not job.open:
            return None
        searches = trial_requests.searches(job.request)
        maximize = searches[0].maximize
        running = await self._parts.database.read(trials.open_trials, job.id)
        state = await self._counted(job, maximize=maximize)
        ended = [one for one in (_ended(*each, searches) for each in running) if one]
        if ended:
            return await self._note(job, state, ended, running, maximize=maximize)
        counts = state.counts or Counts()
        limit = lifecycle.limits(job.request["HyperParameterTuningJobConfig"], searches)
        decision = lifecycle.decide(state, limit, counts, job.created_at, self._parts.now())
        if decision.make:
            return await self._make(job, state, searches, decision.make)
        if decision.stop:
            await self._stop([made for _, made in running])
        if decision.state != state:
            return await self._save(job, decision.state)
        early = await self._stop_early(job, searches, running)
        return min((one for one in (early, decision.within) if one is not None), default=None)

    async def _counted(self, job: Resource, *, maximize: bool) -> TuningState:
        """What is known of it, with the counts of its trials."""
        state = decode(TuningState, job.state)
        if state.counts is not None:
            return state
        counts = await self._parts.database.read(trials.counts, job.id, maximize=maximize)
        return replace(state, counts=counts)

    async def _note(
        self,
        job: Resource,
        state: TuningState,
        ended: Sequence[Trial],
        running: Sequence[tuple[Trial, Resource]],
        *,
        maximize: bool,
    ) -> float | None:
        """Record how trials have ended, and look again."""
        numbers = {one.number for one in ended}
        seconds = sum(_seconds(made) for one, made in running if one.number in numbers)
        in_order = sorted(ended, key=lambda one: (one.ended_at or one.created_at, one.number))
        counts = lifecycle.counted(state.counts or Counts(), in_order, maximize=maximize)
        noted = replace(state, consumed=state.consumed + seconds, counts=counts)
        changed = replace(job, state=encode(noted), modified_at=self._parts.now())
        await self._parts.database.write(trials.end, changed, ended)
        return 0.0

    async def _make(
        self, job: Resource, state: TuningState, searches: Sequence[Search], count: int
    ) -> float | None:
        """Make the next trials."""
        counts = state.counts or Counts()
        made = counts.made
        try:
            chosen = await self._choose(job, searches, made, count)
        except NotReady:
            return PATIENCE
        except FlowmakerError as error:
            reason = f"InternalServerError: {error.message}"
            failed = replace(state, ending="Failed", failure_reason=reason)
            return await self._save(job, failed)
        now = self._parts.now()
        pairs = [
            self._trial(job, search, values, number, now)
            for number, (search, values) in enumerate(chosen, made + 1)
        ]
        noted = replace(state, counts=replace(counts, made=made + len(pairs)))
        changed = replace(job, state=encode(noted), modified_at=now)
        if await self._parts.database.write(trials.make, changed, pairs):
            for _, training_job_made in pairs:
                self._parts.hints.hint("training_job", training_job_made.id)
        return 0.0

    def _trial(
        self,
        job: Resource,
        search: Search,
        values: Mapping[str, str],
        number: int,
        now: datetime,
    ) -> tuple[Trial, Resource]:
        """A trial, and its training job."""
        definition = trial_requests.definition(job.request, search)
        name = trial_requests.trial_name(job.name, job.id, number)
        built_in = registry.find_algorithm(definition) is not None
        request = trial_requests.training_request(
            definition, search, name, values, built_in=built_in
        )
        state = training.begin(now)
        made = Resource(
            id=ids.new(),
            kind=Kind.TRAINING_JOB,
            account=job.account,
            region=job.region,
            name=name,
            arn=ids.arn(
                "sagemaker", job.region, job.account, f"{Kind.TRAINING_JOB.value}/{name.lower()}"
            ),
            status=training.status(state),
            open=True,
            created_at=now,
            modified_at=now,
            request={**request, "TuningJobArn": job.arn},
            state=encode(state),
            parent=job.id,
        )
        trial = Trial(
            number=number,
            job_id=made.id,
            name=name,
            definition=search.definition,
            chosen=values,
            created_at=now,
        )
        return trial, made

    async def _choose(
        self, job: Resource, searches: Sequence[Search], made: int, count: int
    ) -> list[tuple[Search, dict[str, str]]]:
        """The hyperparameters of the next trials, each with its definition.

        Raises:
            NotReady: the tuner's environment is being made; a hint comes when it is.
        """
        config = job.request["HyperParameterTuningJobConfig"]
        strategy, seed = config["Strategy"], config.get("RandomSeed", job.id)
        numbers = range(made + 1, made + count + 1)
        if strategy == "Grid":
            return [
                (
                    suggestions.search_of(searches, number, grid=True),
                    suggestions.of_grid(searches, number),
                )
                for number in numbers
            ]
        of = {number: suggestions.search_of(searches, number) for number in numbers}
        if strategy != "Bayesian":
            return [
                (search, suggestions.at_random(search.ranges, seed, number))
                for number, search in of.items()
            ]
        found: dict[int, dict[str, str]] = {}
        for search in searches:
            mine = [number for number in numbers if of[number] is search]
            if mine:
                values = await self._ask(job, search, seed, len(mine))
                found |= dict(zip(mine, values, strict=True))
        return [(of[number], found[number]) for number in numbers]

    async def _ask(
        self, job: Resource, search: Search, seed: int | str, count: int
    ) -> list[dict[str, str]]:
        """What the tuner suggests, given the best and the latest results and what is being tried.

        Its own, and its parents'. Optuna's TPE takes the best 25 for good; they are always among
        them, and the latest stand for the others.
        """
        database = self._parts.database
        state = decode(TuningState, job.state)
        told = trials.Telling(
            tuning_id=job.id,
            definition=search.definition,
            maximize=search.maximize,
            best=_BEST,
            latest=_LATEST,
        )
        known = await database.read(trials.telling, told)
        for parent in state.inherited:
            theirs = replace(told, tuning_id=parent, definition=None)
            known += await database.read(trials.telling, theirs)
        running = await database.read(trials.open_trials, job.id)
        tried = [one for one, _ in running if one.definition == search.definition]
        return await self._tuner.suggest(
            search,
            seed=f"{seed}:{search.definition}",
            known=known,
            tried=tried,
            count=count,
            then=lambda: self._parts.hints.hint(self.topic, job.id),
        )

    async def _stop(self, made: Sequence[Resource]) -> None:
        """Ask training jobs to stop, as StopTrainingJob does."""
        for one in made:
            saved = False
            while not saved:
                job = await self._parts.load(one.id)
                if job is None or not job.open:
                    break
                now = self._parts.now()
                stopping = training.request_stop(decode(TrainingState, job.state), now)
                changed = replace(
                    job,
                    status=training.status(stopping),
                    state=encode(stopping),
                    modified_at=now,
                )
                saved = await self._parts.save(changed)
            self._parts.hints.hint("training_job", one.id)

    async def _stop_early(
        self,
        job: Resource,
        searches: Sequence[Search],
        running: Sequence[tuple[Trial, Resource]],
    ) -> float | None:
        """Stop trials that will not be the best; when to look again."""
        config = job.request["HyperParameterTuningJobConfig"]
        band = config["Strategy"] == "Hyperband"
        if not band and config.get("TrainingJobEarlyStoppingType") != "Auto":
            return None
        if not running:
            return None
        past = await self._past_series(job, searches)
        for search in searches:
            mine = [each for each in running if each[0].definition == search.definition]
            series = {made.id: await self._series(made, search) for _, made in mine}
            for _, made in mine:
                rivals = [
                    *past[search.definition],
                    *(one for key, one in series.items() if key != made.id),
                ]
                if await asyncio.to_thread(_gives_up, series[made.id], rivals, search, job.request):
                    await self._stop([made])
        return LOOK

    async def _past_series(
        self, job: Resource, searches: Sequence[Search]
    ) -> dict[str, list[list[float]]]:
        """The objective of the trials that ended last, by definition; each log is read once."""
        known = self._past.get(job.id, {})
        kept: dict[str, list[float]] = {}
        found: dict[str, list[list[float]]] = {one.definition: [] for one in searches}
        of = {one.definition: one for one in searches}
        for trial in await self._parts.database.read(trials.latest, job.id, _RIVALS):
            series = known.get(trial.job_id)
            if series is None:
                made = await self._parts.load(trial.job_id)
                series = await self._series(made, of[trial.definition]) if made else []
            kept[trial.job_id] = series
            found[trial.definition].append(series)
        self._past[job.id] = kept
        return found

    async def _series(self, made: Resource, search: Search) -> list[float]:
        """The objective of a training job so far, epoch by epoch."""
        definitions = registry.metric_definitions(made.request["AlgorithmSpecification"])
        regex = definitions.get(search.metric)
        log = self._parts.executor.log(training_job.processes(made)[0])
        if regex is None or not log.exists():
            return []
        return await asyncio.to_thread(self._metrics.values, log, regex)

    async def _save(self, job: Resource, state: TuningState) -> float | None:
        if state.ended_at:
            self._past.pop(job.id, None)
        saved = await self._parts.save(
            replace(
                job,
                status=lifecycle.status(state),
                open=state.ended_at is None,
                state=encode(state),
                modified_at=self._parts.now(),
            )
        )
        return None if saved and state.ended_at else 0.0


def _gives_up(
    series: Sequence[float],
    rivals: Sequence[Sequence[float]],
    search: Search,
    request: Mapping[str, Any],
) -> bool:
    """Whether a trial is to be stopped early, by the strategy or by EarlyStoppingType Auto."""
    if not series:
        return False
    config = request["HyperParameterTuningJobConfig"]
    if config["Strategy"] != "Hyperband":
        return lifecycle.is_hopeless(series, rivals, maximize=search.maximize)
    definition = trial_requests.definition(request, search)
    least, most = trial_requests.band(config, definition)
    return lifecycle.is_outrun(series, rivals, maximize=search.maximize, least=least, most=most)


def _ended(trial: Trial, made: Resource, searches: Sequence[Search]) -> Trial | None:
    """The trial as it ended; None while its training job goes on."""
    if made.open:
        return None
    state = decode(TrainingState, made.state)
    if not training.is_final(state):
        return None
    metric = next(one.metric for one in searches if one.definition == trial.definition)
    found = [one.value for one in state.metrics if one.name == metric]
    status = training.status(state)
    objective = found[-1] if found and status != "Failed" else None
    return replace(trial, ending=status, objective=objective, ended_at=made.modified_at)


def _seconds(made: Resource) -> float:
    state = decode(TrainingState, made.state)
    if state.training_started_at is None or state.training_ended_at is None:
        return 0.0
    return (state.training_ended_at - state.training_started_at).total_seconds()
