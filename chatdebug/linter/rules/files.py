"""Images and documents: what providers take, and how large."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Part, Request
from chatdebug.linter.rule import ANTHROPIC, OPENAI, Place, Rule, Side, parts_that

MEGABYTE = 1024 * 1024
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def _odd_image(part: Part) -> bool:
    return part.media_type.startswith("image/") and part.media_type not in IMAGES


def _large_image(part: Part) -> bool:
    return part.is_image and (part.size or 0) > 5 * MEGABYTE


def _too_large_images(request: Request) -> Iterable[Place]:
    """Find the images that a provider refuses whose limit does not vary by model."""
    is_known = request.provider in ANTHROPIC
    return parts_that(_large_image)(request) if is_known else ()


def _image(part: Part) -> bool:
    # What is only called a file may be one, too.
    return part.is_image or (part.is_file and not part.media_type)


def _other_file(part: Part) -> bool:
    return part.is_file and not part.is_image


def _document(part: Part) -> bool:
    return part.media_type == "application/pdf" or part.type in (
        *("document", "file", "input_file"),
    )


def _elsewhere(part: Part) -> bool:
    return part.is_file and part.size is None


def _any_file(part: Part) -> bool:
    return part.is_file


RULES = (
    Rule(
        id="files.image_type",
        providers=OPENAI | ANTHROPIC | {"groq", "mistral", "xai"},
        side=Side.MESSAGE,
        sentence=_("An image is of a type that the provider does not take."),
        remedy=_("Turn it into PNG, JPEG, GIF or WebP."),
        source="https://github.com/charmbracelet/crush/issues/995",
        words=(
            r"unsupported image|image.{0,60}one the following formats|"
            r"invalid_image_format|"
            r"media_type.{0,40}(?:image/jpeg|input should be)|unsupported mime|"
            r"image.{0,30}format.{0,30}(?:not|un|in)|"
            r"mime_?type.{0,60}not supported"
        ),
        shows=parts_that(_odd_image),
        proves=parts_that(_odd_image),
    ),
    Rule(
        id="files.image_size",
        side=Side.MESSAGE,
        sentence=_("An image is larger than the provider takes."),
        remedy=_(
            "Make it smaller before it is sent: 5 MB is what each provider takes."
        ),
        source="https://github.com/gptme/gptme/issues/185",
        words=(
            r"image exceeds .{0,20}maximum|image size exceeds|"
            r"image.{0,30}too (?:large|big)|"
            r"(?:image|file).{0,40}exceeds?.{0,20}(?:size|limit|maximum)"
        ),
        shows=parts_that(
            lambda part: _image(part) and (part.size is None or part.size > MEGABYTE)
        ),
        proves=_too_large_images,
    ),
    Rule(
        id="files.image_dimensions",
        side=Side.MESSAGE,
        sentence=_("An image has more pixels than the provider takes."),
        remedy=_(
            "Scale it down: 2,000 pixels for the longer side are taken everywhere."
        ),
        source="https://github.com/anthropics/claude-code/issues/4778",
        words=(
            r"image dimensions|dimensions exceed|"
            r"(?:pixels|resolution).{0,40}(?:exceed|maximum|limit|too)|"
            r"exceeds?.{0,30}pixels"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.image_count",
        side=Side.MESSAGE,
        sentence=_("There are more images than the provider takes in one request."),
        remedy=_("Send fewer images, or leave those of earlier messages out."),
        source="https://github.com/vllm-project/vllm/issues/13513",
        words=(
            r"too many images|at most \d+ image|"
            r"(?:maximum|limit|max)(?: number)? of (?:\d+ )?images|"
            r"exceeds? (?:the )?(?:max\w* )?(?:number|limit) of images"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.unreachable",
        side=Side.MESSAGE,
        sentence=_("The provider could not fetch a file from its address."),
        remedy=_("Send the file itself, or an address that anybody may read."),
        source="https://github.com/vercel/ai/issues/8857",
        words=(
            r"(?:while|error|fail\w*|timeout|timed out|cannot|could not|unable to).{0,20}(?:download|fetch|retriev|access)\w*.{0,80}|"
            r"url_(?:rob|err|un)\w+|invalid image.?url|"
            r"unable to (?:download|fetch)"
        ),
        shows=parts_that(_elsewhere),
    ),
    Rule(
        id="files.image_unreadable",
        side=Side.MESSAGE,
        sentence=_("The provider could not read an image."),
        remedy=_(
            "Open it and save it anew: it is damaged, empty, or of another type than "
            "its name says."
        ),
        source="https://github.com/anthropics/claude-code/issues/8646",
        words=(
            r"could not process image|image is not valid|"
            r"(?:un)?able to process (?:input )?image|invalid_?\s?image|"
            r"does not (?:match|appear).{0,60}(?:image|media)|"
            r"image (?:data|file).{0,40}(?:invalid|corrupt|not)|"
            r"failed to (?:decode|load|parse).{0,20}image|"
            r"does not represent a valid image|base64.{0,20}(?:fail|invalid|decod)"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.document_unreadable",
        side=Side.MESSAGE,
        sentence=_("The provider could not read a document, or it has too many pages."),
        remedy=_(
            "Open it and save it anew, without a password; divide one of more than "
            "100 pages."
        ),
        source="https://github.com/anthropics/anthropic-sdk-python/issues/903",
        words=(
            r"could not process pdf|"
            r"(?:document|pdf).{0,40}(?:no pages|password|encrypted|invalid|corrupt|not valid|empty)|"
            r"maximum of \d+ pdf pages|pdf pages|pdf\.source"
        ),
        shows=parts_that(_document),
    ),
    Rule(
        id="files.image_unsupported",
        side=Side.MESSAGE,
        sentence=_("The model takes no images."),
        remedy=_("Send the message without images, or let a model answer that sees."),
        source="https://github.com/roboflow/awesome-openai-vision-api-experiments/issues/11",
        words=(
            r"support image|image.{0,30}(?:not supported|unsupported|not support)|"
            r"(?:not|n't) support (?:image|vision|multimodal|the image)|"
            r"variant `?image_url|not a multimodal|"
            r"image_url.{0,40}(?:only|not supported)|not multimodal|"
            r"vision.{0,20}not"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.type",
        side=Side.MESSAGE,
        sentence=_("A file is of a type that the model does not take."),
        remedy=_(
            "Turn it into text, PDF or an image, or let a model answer that takes it."
        ),
        source="https://github.com/google-gemini/gemini-cli/issues/16995",
        words=(
            r"file type.{0,40}(?:not supported|unsupported|invalid)|"
            r"unsupported (?:mime|file|media|document)|"
            r"mime.?type.{0,60}not supported|"
            r"(?:not|n't) support the (?:video|document|audio|file)|"
            r"(?:video|document|audio|file).{0,30}(?:not supported|unsupported)|"
            r"expected a base64-encoded data url|unsupported_file|"
            r"document\.source|source\.type"
        ),
        shows=parts_that(_any_file),
    ),
)
