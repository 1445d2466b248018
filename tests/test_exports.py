"""What other programs make of an exported temperature: the same probabilities as the calibrator's own."""

from __future__ import annotations

import importlib.util
import json
import math
import shlex
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from pairs_kit import calibrated_pair, impossible

import dualalign as da
from dualalign import drift, exports

HOSTILE = 'x\'; touch hacked #"""\n$(touch hacked)\u2028</script>'


@pytest.fixture(scope="module")
def traces():
    return calibrated_pair(80, sharp=1.5)


@pytest.fixture(scope="module")
def fitted(traces):
    return da.DualAlign().fit(traces)


@pytest.fixture
def written(traces, fitted, tmp_path):
    def write(format, name="t.json"):
        path = exports.export(fitted, traces, tmp_path / name, format)
        return json.loads(path.read_text("utf-8")) if path.suffix == ".json" else module(path)

    return write


def module(path):
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("format", exports.FORMATS)
def test_every_file_holds_the_temperature_and_says_what_it_was_fitted_on(format, written, fitted):
    content = written(format)
    assert content["temperature"] == fitted.temperature_
    note = content["_dualalign" if format == "generation-config" else "note"]
    assert note.startswith(f"T = {fitted.temperature_:.6g} was fitted by dual-align on 80 questions.")
    assert "<b>base</b>" in note


@pytest.mark.parametrize("format", [f for f in exports.FORMATS if f != "generation-config"])
def test_a_name_that_ends_in_py_gets_a_module(format, written, fitted):
    loaded = written(format, "t.py")
    assert fitted.temperature_ == loaded.TEMPERATURE
    assert "80 questions" in loaded.NOTE


@pytest.mark.parametrize("format", ["json", "vllm", "sglang"])
def test_the_modules_own_arithmetic_gives_the_calibrators_probabilities(format, written, fitted, traces):
    logits = traces.polm_final.astype(float)
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)) - 3.0  # as served: a whole vocabulary's
    given = [logits, logprobs]
    found = [np.array([written(format, "t.py").probabilities(row) for row in rows]) for rows in given]
    for proba in found:
        np.testing.assert_allclose(proba, fitted.predict_proba(traces), atol=1e-12)


def test_servers_are_started_and_asked_with_the_temperature(written, fitted):
    t = fitted.temperature_
    vllm, sglang = shlex.split(written("vllm")["serve"]), shlex.split(written("sglang")["serve"])
    assert json.loads(vllm[vllm.index("--override-generation-config") + 1]) == {"temperature": t}
    assert vllm[:3] == ["vllm", "serve", 'chat"']
    assert vllm[-2:] == ["--logprobs-mode", "processed_logprobs"]
    assert json.loads(sglang[sglang.index("--preferred-sampling-params") + 1]) == {"temperature": t}
    assert written("vllm")["serve"] == written("vllm", "v.py").SERVE
    assert written("sglang", "s.py").sampling_params(max_new_tokens=1) == {"temperature": t, "max_new_tokens": 1}
    assert (
        written("vllm")["request"]["temperature"] == written("sglang")["request"]["sampling_params"]["temperature"] == t
    )


def test_what_vllm_refuses_is_left_to_the_reader_of_raw_log_probabilities(tmp_path):
    hot = calibrated_pair(80, sharp=4.0)
    fitted = da.DualAlign().fit(hot)
    assert fitted.temperature_ > 2
    content = json.loads(exports.export(fitted, hot, tmp_path / "t.json", "vllm").read_text())
    assert content["serve"].endswith("--logprobs-mode raw_logprobs")
    assert content["request"]["temperature"] == 1
    assert "override" not in str(content)
    loaded = module(exports.export(fitted, hot, tmp_path / "t.py", "vllm"))
    with pytest.raises(ValueError, match="vLLM takes temperatures up to 2"):
        loaded.sampling_params()
    np.testing.assert_allclose([loaded.probabilities(z) for z in hot.polm_final.tolist()], fitted.predict_proba(hot))
    generation = json.loads(exports.export(fitted, hot, tmp_path / "g.json", "generation-config").read_text())
    assert generation["_dualalign"].endswith("refuse temperatures above 2.")


@pytest.mark.models
@pytest.mark.parametrize("mode", ["processed_logprobs", "raw_logprobs"])
def test_vllms_own_sampler_returns_the_same_probabilities(mode, written, fitted, traces):
    pytest.importorskip("vllm")
    torch = pytest.importorskip("torch")
    from vllm.v1.sample.logits_processor import LogitsProcessors
    from vllm.v1.sample.metadata import SamplingMetadata
    from vllm.v1.sample.sampler import Sampler

    loaded, (n, k) = written("vllm", "v.py"), traces.polm_final.shape
    params = loaded.sampling_params(max_tokens=1, logprobs=k)
    none = {"top_p": None, "top_k": None, "prompt_token_ids": None, "allowed_token_ids_mask": None}
    plain = {"generators": {}, "bad_words_token_ids": {}, "output_token_ids": [[] for _ in range(n)]}
    penalties = {f"{name}_penalties": torch.zeros(n) for name in ("frequency", "presence", "repetition")}
    metadata = SamplingMetadata(
        temperature=torch.full((n,), params.temperature), all_greedy=False, all_random=True, max_num_logprobs=k,
        no_penalties=True, logitsprocs=LogitsProcessors(), **none, **plain, **penalties,
    )  # fmt: skip
    found = Sampler(logprobs_mode=mode)(torch.tensor(traces.polm_final), metadata).logprobs_tensors
    logprobs = np.empty((n, k))
    np.put_along_axis(logprobs, found.logprob_token_ids[:, 1:].numpy(), found.logprobs[:, 1:].double().numpy(), axis=1)
    proba = (
        np.exp(logprobs) if mode == "processed_logprobs" else [loaded.probabilities(row) for row in logprobs.tolist()]
    )
    np.testing.assert_allclose(proba, fitted.predict_proba(traces), atol=1e-6)


def sklearn_scaling():
    calibration = pytest.importorskip("sklearn.calibration")
    if not hasattr(calibration, "_TemperatureScaling"):
        pytest.skip("scikit-learn 1.8 or later")
    return calibration


def test_sklearn_predicts_the_same_probabilities(written, fitted, traces):
    calibration = sklearn_scaling()
    logits = traces.polm_final.astype(np.float64)
    scaling = calibration._TemperatureScaling()
    for name, value in written("sklearn")["attributes"].items():
        setattr(scaling, name, value)
    np.testing.assert_allclose(scaling.predict(logits), fitted.predict_proba(traces), atol=1e-6)
    np.testing.assert_allclose(written("sklearn", "t.py").calibrator().predict(logits), scaling.predict(logits))


def test_it_is_the_parameter_that_a_calibrated_classifier_fits(tmp_path, traces):
    sklearn_scaling()
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Logits(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def decision_function(self, X):
            return X

        def predict(self, X):
            return self.classes_[X.argmax(axis=1)]

    logits = traces.polm_final.astype(np.float64)
    model = CalibratedClassifierCV(
        FrozenEstimator(Logits().fit(logits, traces.labels)), method="temperature", ensemble=False
    )
    model.fit(logits, traces.labels)
    oracle = da.TemperatureScaling().fit(traces)
    exports.export(oracle, traces, tmp_path / "t.json", "sklearn")
    (inner,) = model.calibrated_classifiers_[0].calibrators
    beta = json.loads((tmp_path / "t.json").read_text())["attributes"]["beta_"]
    assert beta == pytest.approx(float(inner.beta_), rel=1e-4)
    inner.beta_ = beta
    np.testing.assert_allclose(model.predict_proba(logits), oracle.predict_proba(traces), atol=1e-6)


@pytest.mark.parametrize("k", [2, 4])
def test_netcal_transforms_to_the_same_probabilities(k, tmp_path, random_traces):
    pytest.importorskip("netcal")
    traces = random_traces(60, 4, k, seed=1)
    fitted = da.AlignAll().fit(traces)
    exports.export(fitted, traces, tmp_path / "netcal_t.py", "netcal")
    content = json.loads(exports.export(fitted, traces, tmp_path / "t.json", "netcal").read_text())
    scaling = module(tmp_path / "netcal_t.py").calibrator(k)
    before, after = np.exp(drift.log_softmax_options(traces.polm_final)), fitted.predict_proba(traces)
    found = scaling.transform(before if k > 2 else before[:, 1])
    np.testing.assert_allclose(found, after if k > 2 else after[:, 1], atol=1e-6)
    assert list(scaling.temperature) == content["attributes"]["weights"] == [1 / fitted.temperature_]


@pytest.mark.models
def test_the_logits_processor_of_transformers_gives_the_same_probabilities(written, fitted, traces):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    scores = torch.tensor(traces.polm_final)
    content = written("logits-processor")
    named = getattr(transformers, content["class"].split(".")[1])(**content["arguments"])
    for processor in (
        exports.temperature_processor(fitted), exports.temperature_processor(fitted.temperature_), named,
        written("logits-processor", "t.py").logits_processor(),
    ):  # fmt: skip
        proba = processor(None, scores).double().softmax(dim=-1).numpy()
        np.testing.assert_allclose(proba, fitted.predict_proba(traces), atol=1e-6)


@pytest.mark.models
def test_generate_with_the_processor_samples_from_those_probabilities(fitted):
    torch = pytest.importorskip("torch")
    from models_kit import tiny_model

    model, ids = tiny_model(), torch.tensor([[1, 5, 6, 7]])
    ask = {"max_new_tokens": 1, "do_sample": False, "return_dict_in_generate": True, "output_scores": True}
    out = model.generate(ids, logits_processor=[exports.temperature_processor(fitted)], **ask)
    with torch.no_grad():
        expected = model(ids).logits[:, -1] / fitted.temperature_
    torch.testing.assert_close(out.scores[0], expected)


@pytest.mark.models
def test_generate_reads_the_generation_config_with_its_note(fitted, traces, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from models_kit import tiny_model

    exports.export(fitted, traces, tmp_path / "generation_config.json", "generation-config")
    model, ids = tiny_model(), torch.tensor([[1, 5, 6, 7]])
    model.generation_config = transformers.GenerationConfig.from_pretrained(tmp_path)
    ask = {"max_new_tokens": 1, "top_k": 0, "return_dict_in_generate": True, "output_scores": True}
    out = model.generate(ids, **ask)
    with torch.no_grad():
        expected = model(ids).logits[:, -1] / fitted.temperature_
    torch.testing.assert_close(out.scores[0], expected)


@pytest.mark.parametrize("value", [0, -1.0, math.inf, math.nan, "2", True, None])
def test_a_processor_needs_a_temperature(value):
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="give a positive finite number"):
        exports.temperature_processor(value)


@pytest.mark.parametrize("format", exports.FORMATS)
def test_no_finite_temperature_writes_nothing(format, tmp_path):
    traces = impossible()
    fitted = da.AlignAll().fit(traces)
    assert fitted.temperature_ == math.inf
    with pytest.raises(ValueError, match=r"align-all: no finite optimum.*nothing to export"):
        exports.export(fitted, traces, tmp_path / "t.json", format)
    assert list(tmp_path.iterdir()) == []


def test_a_method_that_is_more_than_a_temperature_is_refused(traces, tmp_path):
    with pytest.raises(ValueError, match="basecal is not a temperature"):
        exports.export(da.BaseCal().fit(traces), traces, tmp_path / "t.json")


def test_an_unknown_format_is_refused(traces, fitted, tmp_path):
    with pytest.raises(ValueError, match="--format is 'pickle'; allowed are json, generation-config, vllm"):
        exports.export(fitted, traces, tmp_path / "t.json", "pickle")


@pytest.mark.parametrize("format", [f for f in exports.FORMATS if f != "generation-config"])
def test_hostile_metadata_stays_text(format, fitted, traces, tmp_path):
    named = replace(traces, metadata={key: HOSTILE for key in ("plm", "polm", "questions", "prompt", "scores")})
    loaded = module(exports.export(fitted, named, tmp_path / "t.py", format))
    assert HOSTILE in loaded.NOTE
    content = json.loads(exports.export(fitted, named, tmp_path / "t.json", format).read_text("utf-8"))
    if "serve" in content:
        assert HOSTILE in shlex.split(content["serve"])
        subprocess.run(["sh", "-c", f"printf %s {content['serve']}"], cwd=tmp_path, check=True, capture_output=True)
    assert {file.name for file in tmp_path.iterdir()} - {"__pycache__"} == {"t.json", "t.py"}


def test_a_model_name_is_never_an_option_of_the_server(fitted, traces):
    named = replace(traces, metadata={"polm": "--trust-remote-code"})
    for format in ("vllm", "sglang"):
        assert " ./--trust-remote-code" in exports.render(exports.facts(fitted, named), format)


def test_scores_of_whole_options_are_named(fitted, traces):
    summed = replace(traces, metadata=traces.metadata | {"scores": "sum of log-probabilities"})
    assert "scores of whole options (sum of log-probabilities), not the logits" in exports.facts(fitted, summed).note
    assert "tokens at the last token of the prompt" in exports.facts(fitted, traces).note
