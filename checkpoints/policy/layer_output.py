"""What a layer says of each frame, whether its module returns a tensor or more than one."""

from typing import Any

from torch import Tensor, nn


def rows_of(module: nn.Module, output: Any) -> Any:
    """The tensor with a row a frame in a module's output; whatever else it is where there is none.

    Of a tuple or list, as recurrent modules return, it is the first. Rows stand first: those of
    ``nn.LSTM``, ``nn.GRU`` and ``nn.RNN`` that take time first are turned.
    """
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return _turned(module, output)


def with_rows(module: nn.Module, output: Any, rows: Tensor) -> Any:
    """The output with other rows in the place of those that :func:`rows_of` finds."""
    if isinstance(output, tuple | list):
        return type(output)([with_rows(module, output[0], rows), *output[1:]])
    return _turned(module, rows)


def _turned(module: nn.Module, output: Any) -> Any:
    """Time and rows exchanged, where a module has time first; the same twice is nothing."""
    if isinstance(module, nn.RNNBase) and isinstance(output, Tensor) and not module.batch_first:
        return output.transpose(0, 1) if output.ndim == 3 else output
    return output
