"""Makes batches of pairs of similar length: less padding, so more pairs in a second."""

from collections.abc import Iterator

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler

_BATCHES_SORTED_TOGETHER = 50


class LengthBatchSampler(DefaultBatchSampler):
    """Batches sorted by length within chunks of a random order; the batches are in random order.

    The order depends only on seed and epoch, so a resumed run continues where it stopped.
    """

    def __init__(  # noqa: PLR0917  # the trainer's signature
        self,
        dataset: Dataset,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        texts = [name for name in dataset.column_names if isinstance(dataset[0][name], str)]
        rows = zip(*(dataset[name] for name in texts), strict=True)
        self._lengths = torch.tensor([sum(map(len, row)) for row in rows])

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(self._lengths), generator=generator)
        batches: list[list[int]] = []
        for chunk in torch.split(order, self.batch_size * _BATCHES_SORTED_TOGETHER):
            ordered = chunk[self._lengths[chunk].argsort(stable=True)].tolist()
            batches += [
                ordered[start : start + self.batch_size]
                for start in range(0, len(ordered), self.batch_size)
            ]
        if self.drop_last:
            batches = [batch for batch in batches if len(batch) == self.batch_size]
        for position in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[position]

    def __len__(self) -> int:
        full, rest = divmod(len(self._lengths), self.batch_size)
        return full if self.drop_last or not rest else full + 1
