"""The page Data: users' own files, and what is stored."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from market import access, jobs, stock
from market.importing import undoing, uploads
from market.importing.service import start_import as start_import_of
from market.importing.uploads import UploadRefused
from market.models import ImportedFile, Job

SHOWN_FILES = 50


def refusing(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer UploadRefused as JSON."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        try:
            return view(request, *args, **named)
        except UploadRefused as refusal:
            return JsonResponse({"error": refusal.message}, status=refusal.status)

    return answer


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Drop files, see what became of others, and what is stored."""
    running = Job.objects.filter(kind=Job.IMPORT, asked_by=request.user.pk).exclude(state__in=Job.FINAL)
    context = {"running": running.prefetch_related("imported_files"), "part_bytes": uploads.PART_BYTES}
    return render(request, "market/data.html", context | _lists(request, request.GET.get("before", "")))


def _lists(request: HttpRequest, before: str = "") -> dict[str, Any]:
    """What was imported before (before a file's id, where one is given), and what is stored."""
    files = _files(request).select_related("user")
    if before:
        if not before.isdecimal():
            raise Http404("before is a number")
        files = files.filter(pk__lt=int(before))
    shown = list(files[: SHOWN_FILES + 1])
    return {
        "files": shown[:SHOWN_FILES],
        "older": shown[SHOWN_FILES - 1].pk if len(shown) > SHOWN_FILES else None,
        "stored": stock.stored(),
        "shows_users": request.user.is_staff,
    }


def _files(request: HttpRequest) -> QuerySet[ImportedFile]:
    """The files whose import is over."""
    return access.imported_files(request.user).exclude(report={})


@require_POST
@refusing
def begin_upload(request: HttpRequest) -> HttpResponse:
    """A ticket for a file of this name and size."""
    name, size = request.POST.get("name", ""), request.POST.get("size", "")
    ticket = uploads.begin(_user_id(request), name, int(size) if size.isdigit() else 0)
    return JsonResponse({"ticket": ticket})


@require_POST
@refusing
def upload_part(request: HttpRequest) -> HttpResponse:
    """The next part of a file, as the request's body; how much is here now."""
    upload = uploads.find(_user_id(request), request.headers.get("X-Upload", ""))
    offset = request.headers.get("X-Offset", "")
    if not offset.isdigit() or int(offset) != upload.received:
        return JsonResponse({"received": upload.received}, status=409)
    return JsonResponse({"received": uploads.append(upload, request.read(uploads.PART_BYTES + 1))})


@require_POST
@refusing
def start_import(request: HttpRequest) -> HttpResponse:
    """Import the files that have come, together; a card that follows the job."""
    found = [uploads.find(_user_id(request), ticket) for ticket in request.POST.getlist("ticket")]
    if not found or not all(upload.is_whole for upload in found):
        raise UploadRefused(400, "A file has not come whole. Send it again.")
    job = start_import_of(_user_id(request), found)
    return render(request, "market/_import.html", {"job": job, "files": None})


@require_safe
def job(request: HttpRequest, job_id: int) -> HttpResponse:
    """An import as it stands: its progress, then its reports."""
    return _import(request, _get_import(request, job_id))


@require_POST
def cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Stop an import; its worker hears it at its next step. Pieces that are stored stay."""
    found = _get_import(request, job_id)
    jobs.cancel(found)
    found.refresh_from_db()
    return _import(request, found)


def _get_import(request: HttpRequest, job_id: int) -> Job:
    found = access.jobs_of(request.user).filter(kind=Job.IMPORT, pk=job_id).first()
    if found is None:
        raise Http404("There is no such import of yours.")
    return found


def _import(request: HttpRequest, found: Job) -> HttpResponse:
    lists = _lists(request) if found.state in Job.FINAL else {"files": None}
    return render(request, "market/_import.html", {"job": found} | lists)


@require_safe
def report(request: HttpRequest, file_id: int) -> HttpResponse:
    """What became of a file: a page, to htmx the report alone."""
    found = _get_file(request, file_id)
    template = "market/_report.html" if request.headers.get("HX-Request") else "market/file.html"
    return render(request, template, {"file": found})


@require_POST
def remove(request: HttpRequest, file_id: int) -> HttpResponse:
    """Take back what a file brought; its report says what became of it."""
    found = _get_file(request, file_id)
    undoing.undo(found)
    if not request.headers.get("HX-Request"):
        return redirect("data:report", found.pk)
    return render(request, "market/_removed.html", {"file": found, "stored": stock.stored()})


def _get_file(request: HttpRequest, file_id: int) -> ImportedFile:
    found: ImportedFile | None = _files(request).filter(pk=file_id).first()
    if found is None:
        raise Http404("There is no such file of yours.")
    return found


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None
    return request.user.pk
