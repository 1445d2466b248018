"""What Python libraries hold: transformers' logits processor, scikit-learn's and netcal's temperature scaling."""

from __future__ import annotations

from .facts import Facts

_PROCESSOR = '''
def logits_processor():
    """For transformers' generate(logits_processor=...); leave temperature at 1 there, or it counts twice."""
    from transformers import LogitsProcessorList, TemperatureLogitsWarper

    return LogitsProcessorList([TemperatureLogitsWarper(TEMPERATURE)])
'''
_SKLEARN = '''
def calibrator():
    """scikit-learn's temperature scaling (1.8 or later), fitted; predict(logits (N, K)) gives probabilities."""
    from sklearn.calibration import _TemperatureScaling

    scaling = _TemperatureScaling()
    scaling.beta_ = 1 / TEMPERATURE
    return scaling
'''
_NETCAL = '''
def calibrator(n_options):
    """netcal's temperature scaling, fitted; transform(probabilities) gives calibrated ones, both float64.

    With two options give and get the probability of the second, (N,); else (N, n_options).
    """
    import numpy as np
    import torch
    from netcal.scaling import TemperatureScaling

    scaling = TemperatureScaling()
    scaling.num_classes = n_options
    scaling.prior(dtype=torch.float64)
    scaling._sites["weights"]["values"] = np.array([1 / TEMPERATURE])
    return scaling
'''
_PLAIN = '''
def probabilities(logits):
    """Calibrated probabilities of the options, softmax(logits / T) over the last axis; -inf where there is none."""
    import numpy as np

    scaled = np.asarray(logits, dtype=np.float64) / TEMPERATURE
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
'''


def plain(found: Facts) -> tuple[dict[str, object], str]:
    """The fit and its source."""
    from .. import __version__

    fit = {"method": found.method, "temperature": found.temperature, "objective": found.objective, "n": found.n}
    said = {"reason": found.reason, **found.source, "created_by": f"dualalign {__version__}", "note": found.note}
    return fit | said, _PLAIN


def logits_processor(found: Facts) -> tuple[dict[str, object], str]:
    """The class of transformers and its argument."""
    arguments = {"temperature": found.temperature}
    content = arguments | {"class": "transformers.TemperatureLogitsWarper", "arguments": arguments}
    use = "generate(..., logits_processor=[TemperatureLogitsWarper(temperature)]); leave temperature at 1 there"
    return content | {"use": use, "note": found.note}, _PROCESSOR


def sklearn(found: Facts) -> tuple[dict[str, object], str]:
    """The attribute of scikit-learn's calibrator, 1/T."""
    content = {
        "class": "sklearn.calibration._TemperatureScaling",
        "attributes": {"beta_": found.beta},
        "temperature": found.temperature,
        "use": "beta_ = 1/T multiplies logits (N, K); of CalibratedClassifierCV(method='temperature') it is "
        "calibrated_classifiers_[0].calibrators[0].beta_. A decision function x of one column counts as (-x, x)",
        "note": found.note,
    }
    return content, _SKLEARN


def netcal(found: Facts) -> tuple[dict[str, object], str]:
    """The weight of netcal's calibrator, 1/T (netcal calls it temperature)."""
    content = {
        "class": "netcal.scaling.TemperatureScaling",
        "attributes": {"weights": [found.beta]},
        "temperature": found.temperature,
        "use": "weights = [1/T] multiplies log-probabilities; netcal's own property .temperature returns it, not T. "
        "netcal's files are pickles, so none is written here: a name that ends in .py gets a function that sets it",
        "note": found.note,
    }
    return content, _NETCAL
