"""Batches: many calls of one kind at once, with a `Result` for each row."""

from moregood_async.batch.batch import Batch as Batch
from moregood_async.batch.batch import BatchStats as BatchStats
from moregood_async.batch.batch import Outcome as Outcome
from moregood_async.batch.batch import Result as Result
from moregood_async.batch.worker_pool import Items as Items
from moregood_async.batch.worker_pool import WorkerPool as WorkerPool
from moregood_async.batch.worker_pool import as_row_error as as_row_error
