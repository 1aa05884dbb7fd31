"""The colours of the panels: people see them on both of Dashboards' grounds, the colour-blind, too."""

import numpy as np
import pytest

from stockstream_dashboards.over_time import BAR_COLOR, COLORS, DOWN_COLOR, UP_COLOR

GROUNDS = {"light": "#FFFFFF", "dark": "#1D1E24"}
# What is left of linear red, green and blue without one kind of cone: Machado, Oliveira, Fernandes 2009,
# severity 1.0.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
# From linear sRGB to CIE XYZ, and its white (IEC 61966-2-1).
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
)


def linear(color: str) -> np.ndarray:
    shares = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it."""
    darker, lighter = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def lab(color: str, blindness: str) -> np.ndarray:
    """CIE L*a*b*, of what is left of a colour."""
    seen = np.clip(np.array(BLINDNESS[blindness]) @ linear(color), 0, 1)
    ratios = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    x, y, z = np.where(ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("color", [UP_COLOR, DOWN_COLOR, BAR_COLOR, *COLORS])
def test_a_color_stands_out_from_the_ground_of_both_themes(color: str, ground: str) -> None:
    # WCAG 2.2, 1.4.11: at least 3 for what is not text.
    assert contrast(color, GROUNDS[ground]) >= 3


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_rise_and_fall_stay_apart_without_one_kind_of_cone(blindness: str) -> None:
    # 2.3 is the least that people see at all; without one kind of cone #00A000 and #D02000 are left with 6.
    assert np.linalg.norm(lab(UP_COLOR, blindness) - lab(DOWN_COLOR, blindness)) > 35


def test_contrast_and_difference_are_those_of_the_books() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    assert lab("#FF0000", "none") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
