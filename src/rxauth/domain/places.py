"""Places on Earth, and what lies within some miles of one."""

import math
from dataclasses import dataclass
from typing import Final

from rxauth.domain.errors import InvalidError

RADIUS_DEFAULT_MILES: Final = 10
RADIUS_LIMIT_MILES: Final = 100
_EARTH_RADIUS_MILES: Final = 3_958.8
_ROUNDING: Final = 1e-6  # of a degree: a few inches, lest what lies on the edge be rounded away


@dataclass(frozen=True, slots=True)
class Box:
    """The degrees between which a circle lies; west is -180 to 180, east may be up to 180 + 360.

    `again_west`, `again_east` are the same part of the Earth counted the other way around, beyond the date line.
    """

    south: float
    north: float
    west: float
    east: float
    again_west: float
    again_east: float


@dataclass(frozen=True, slots=True)
class Circle:
    """A place and how far around it to look. latitude, longitude: degrees."""

    latitude: float
    longitude: float
    radius_miles: float

    def distance_miles(self, latitude: float, longitude: float) -> float:
        """Returns how far away another place is, along the Earth's surface (the haversine formula)."""
        here, there = math.radians(self.latitude), math.radians(latitude)
        across = math.radians(longitude - self.longitude)
        chord = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(across / 2) ** 2
        return 2 * _EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(chord)))

    @property
    def box(self) -> Box:
        """The smallest box that holds the circle; around a pole, every longitude."""
        angle = self.radius_miles / _EARTH_RADIUS_MILES
        high = math.degrees(angle) + _ROUNDING
        wide = 360.0
        if abs(self.latitude) + high < 90:
            wide = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(self.latitude)))) + _ROUNDING
        west, east = self.longitude - wide, self.longitude + wide
        turn = 360 if self.longitude < 0 else -360
        return Box(self.latitude - high, self.latitude + high, west, east, west + turn, east + turn)


def circle(latitude: float, longitude: float, radius_miles: float | None) -> Circle:
    """Returns a circle on Earth; radius_miles None: 10.

    Raises:
        InvalidError: no such place, or a radius beyond 100 miles.
    """
    radius = RADIUS_DEFAULT_MILES if radius_miles is None else radius_miles
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InvalidError("latitude is -90 to 90, longitude -180 to 180", "location")
    if not 0 < radius <= RADIUS_LIMIT_MILES:
        raise InvalidError(f"radius is 1 to {RADIUS_LIMIT_MILES} miles", "location.radius")
    return Circle(latitude, longitude, radius)
