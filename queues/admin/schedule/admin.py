"""A schedule: when it comes, what it did, and what can be done with it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _

from queues import permissions
from queues.admin.pages import PageAdmin, action, page
from queues.admin.schedule.past_runs import read_past_runs
from queues.audit import record
from queues.models import Schedule
from queues.operations.schedules import get_schedule


@admin.register(Schedule)
class ScheduleAdmin(PageAdmin):
    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.index, "changelist"),
            self.route("<path:object_id>/change/", self.show, "change"),
            self.route("<path:object_id>/run/", self.run, "run"),
            self.route("<path:object_id>/disable/", self.disable, "disable"),
            self.route("<path:object_id>/enable/", self.enable, "enable"),
        ]

    @page()
    def index(self, request: HttpRequest) -> HttpResponseBase:
        """All schedules are on the overview."""
        return HttpResponseRedirect(self.url("queue_changelist") + "#schedules")

    @page()
    def show(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        schedule = get_schedule(unquote(object_id))
        return self.render(request, "schedule/schedule.html", title=schedule.name, schedule=schedule, runs=read_past_runs(schedule))

    @action(permissions.CHANGE)
    def run(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        schedule = get_schedule(unquote(object_id))
        job = schedule.run_now()
        record(request, Schedule, schedule.name, _("Run now, as the job %(job)s.") % {"job": job.id})
        text = _("The job %(job)s is the run of %(schedule)s. One that still waited is not added twice.")
        messages.success(request, text % {"job": job.id, "schedule": schedule.name})
        return self.back(request, "schedule_change", quote(schedule.name))

    @action(permissions.CHANGE)
    def disable(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        schedule = get_schedule(unquote(object_id))
        schedule.disable()
        record(request, Schedule, schedule.name, _("Disabled."))
        messages.success(request, _("Disabled: %(schedule)s. It adds no job until it is enabled.") % {"schedule": schedule.name})
        return self.back(request, "schedule_change", quote(schedule.name))

    @action(permissions.CHANGE)
    def enable(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        schedule = get_schedule(unquote(object_id))
        schedule.enable()
        record(request, Schedule, schedule.name, _("Enabled."))
        text = _("Enabled: %(schedule)s. It goes on with its next time, and makes up for none that it missed.")
        messages.success(request, text % {"schedule": schedule.name})
        return self.back(request, "schedule_change", quote(schedule.name))
