import pytest

from alert.readings import Reading, read_reason


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param(
            "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (20/11/26 20:58:00)] was greater than "
            "the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).",
            Reading(3.0, None, None),
            id="one datapoint",
        ),
        pytest.param(
            "Threshold Crossed: 2 out of the last 2 datapoints [1.0E-4 (20/11/26 20:58:00), "
            "7.0 (20/11/26 20:57:00)] were greater than the threshold (0.0).",
            Reading(0.0001, None, None),
            id="two datapoints",
        ),
        pytest.param(
            "Thresholds Crossed: 1 out of the last 4 datapoints [537.0 (14/11/25 18:39:00)] was less than "
            "the lower thresholds [193.33593366980995] or greater than the upper thresholds "
            "[531.4406901351432] (minimum 1 datapoint for OK -> ALARM transition).",
            Reading(537.0, 193.33593366980995, 531.4406901351432),
            id="a band",
        ),
        pytest.param(
            "Thresholds Crossed: 7 out of the last 10 datapoints were less than the lower thresholds or "
            "greater than the upper thresholds. Recent datapoints [2246.0 (11/10/20 09:45:00), "
            "2442.0 (11/10/20 09:40:00)] crossed the lower thresholds [-153.5, 13.9] "
            "or upper thresholds [2152.1, 2011.8] (minimum 7 datapoints for OK -> ALARM transition).",
            Reading(2246.0, -153.5, 2152.1),
            id="a band and more than five datapoints",
        ),
        pytest.param(
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
            "treated as [NonBreaching].",
            Reading(None, None, None),
            id="no datapoint",
        ),
        pytest.param(
            "Thresholds Crossed: no datapoints were received; the lower thresholds [5.0] hold.",
            Reading(None, 5.0, None),
            id="a threshold and no datapoint",
        ),
        pytest.param("Unchecked: Initial alarm creation", Reading(None, None, None), id="a new alarm"),
        pytest.param("", Reading(None, None, None), id="nothing"),
    ],
)
def test_reads_the_newest_value_and_its_band_from_the_reason(reason: str, expected: Reading) -> None:
    assert read_reason(reason) == expected
