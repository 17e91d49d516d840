"""Images and documents: what providers take, and how large."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Part, Request
from chatdebug.linter.rule import (
    ANTHROPIC,
    NOTHING,
    OPENAI,
    Place,
    Rule,
    Side,
    parts_that,
)

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
        in_title=_("the type of an image"),
        remedy=_("Turn it into PNG, JPEG, GIF or WebP."),
        source="https://github.com/charmbracelet/crush/issues/995",
        words=(
            r"unsupported mime|image.{0,30}format.{0,30}(?:not|un|in)|"
            r"mime_?type.{0,60}not supported"
        ),
        plain=(
            r"unsupported image|one (?:of )?the following formats|"
            r"invalid_image_format|image\.format\W{1,3}failed to satisfy|"
            r"media_type.{0,40}(?:image/jpeg|input should be)"
        ),
        shows=parts_that(_odd_image),
        proves=parts_that(_odd_image),
    ),
    Rule(
        id="files.image_size",
        side=Side.MESSAGE,
        sentence=_("An image is larger than the provider takes."),
        in_title=_("an image that is too large"),
        remedy=_(
            "Make it smaller before it is sent: 5 MB is what each provider takes."
        ),
        source="https://github.com/gptme/gptme/issues/185",
        words=(
            r"image.{0,30}too (?:large|big)|"
            r"(?:image|file).{0,40}exceeds?.{0,20}(?:size|limit|maximum)"
        ),
        plain=r"image exceeds .{0,20}maximum|image size exceeds|image is too large",
        shows=parts_that(
            lambda part: _image(part) and (part.size is None or part.size > MEGABYTE)
        ),
        proves=_too_large_images,
    ),
    Rule(
        id="files.image_dimensions",
        side=Side.MESSAGE,
        sentence=_("An image has more pixels than the provider takes, or too few."),
        in_title=_("the pixels of an image"),
        remedy=_(
            "Scale it: 2,000 pixels for the longer side are taken everywhere, and a "
            "few tens for the shorter one."
        ),
        source="https://github.com/anthropics/claude-code/issues/4778",
        words=(
            r"(?:pixels|resolution).{0,40}(?:exceed|maximum|limit|too)|"
            r"image.{0,40}too small"
        ),
        plain=(
            r"image dimensions|dimensions exceed|exceeds?.{0,30}pixels|"
            r"image length and width|(?:height|width)\S* .{0,20}must be larger than"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.image_count",
        side=Side.MESSAGE,
        sentence=_("There are more images than the provider takes in one request."),
        in_title=_("too many images"),
        remedy=_("Send fewer images, or leave those of earlier messages out."),
        source="https://github.com/vllm-project/vllm/issues/13513",
        words=(r"(?:maximum|limit|max)(?: number)? of (?:\d+ )?images"),
        plain=(
            r"too many images|(?:at most|up to|more than) \d+ image|"
            r"(?:maximum|limit) of \d+ images|"
            r"exceeds? (?:the )?(?:max\w* )?(?:number|limit) of images"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.unreachable",
        side=Side.MESSAGE,
        sentence=_("The provider could not fetch a file from its address."),
        in_title=_("a file that was not fetched"),
        remedy=_("Send the file itself, or an address that anybody may read."),
        source="https://github.com/vercel/ai/issues/8857",
        words=(
            r"(?:while|error|fail\w*|timeout|timed out|cannot|could not|unable to).{0,20}(?:download|fetch|retriev|access)\w*.{0,80}|"
            r"url_(?:rob|err|un)\w+|unable to (?:download|fetch)"
        ),
        plain=(
            r"(?:while|error|failed|failure|timeout|unable|cannot|could not|couldn.t)\b.{0,20}"
            r"(?:download\w*.{0,40}(?:image|file|media|https?:)|fetch\w* (?:the )?(?:image|file|media|content|url))|"
            r"invalid image.?url|fetching (?:image|file|media) failed"
        ),
        shows=parts_that(_elsewhere),
    ),
    Rule(
        id="files.image_unreadable",
        side=Side.MESSAGE,
        sentence=_("The provider could not read an image."),
        in_title=_("an unreadable image"),
        remedy=_(
            "Open it and save it anew: it is damaged, empty, or of another type than "
            "its name says."
        ),
        source="https://github.com/anthropics/claude-code/issues/8646",
        words=(
            r"invalid_?\s?image|does not (?:match|appear).{0,60}(?:image|media)|"
            r"image (?:data|file).{0,40}(?:invalid|corrupt|not)|"
            r"base64.{0,20}(?:fail|invalid|decod)"
        ),
        plain=(
            r"could not process image|image is not valid|"
            r"(?:un)?able to process (?:input )?image|not a valid image|"
            r"image does not match the provided media|appears to be an? image/|"
            r"failed to (?:decode|load|parse).{0,20}image|cannot identify image|"
            r"does not represent a valid image|invalid (?:base64 )?image data|"
            r"illegal base64|invalid base64 (?:data|image|string)|"
            r"inline_data.{0,60}base64 decoding failed"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.document_unreadable",
        side=Side.MESSAGE,
        sentence=_("The provider could not read a document, or it has too many pages."),
        in_title=_("an unreadable document"),
        remedy=_(
            "Open it and save it anew, without a password; divide one of more than "
            "100 pages."
        ),
        source="https://github.com/anthropics/anthropic-sdk-python/issues/903",
        words=(
            r"(?:document|pdf).{0,40}(?:encrypted|invalid|corrupt|empty)|pdf\.source"
        ),
        plain=(
            r"could not process pdf|pdf pages|"
            r"(?:document|pdf).{0,40}(?:no pages|password|not valid)"
        ),
        shows=parts_that(_document),
    ),
    Rule(
        id="files.image_unsupported",
        side=Side.MESSAGE,
        sentence=_("The model takes no images."),
        in_title=_("images that the model does not take"),
        remedy=_("Send the message without images, or let a model answer that sees."),
        source="https://github.com/roboflow/awesome-openai-vision-api-experiments/issues/11",
        words=(
            r"support image|image.{0,30}(?:not supported|unsupported|not support)|"
            r"not multimodal|vision.{0,20}not|untagged enum chatcompletionrequest"
        ),
        plain=(
            r"(?:not|n't) support (?:image|vision|multimodal|the image)|"
            r"variant `?image_url|not a multimodal|image input modality|"
            r"image (?:input|content|url)s? (?:is|are) not (?:supported|enabled)|"
            r"image_url.{0,40}(?:only|not supported)|support image input|"
            r"data required for image input"
        ),
        shows=parts_that(_image),
    ),
    Rule(
        id="files.type",
        side=Side.MESSAGE,
        sentence=_("A file is of a type that the model does not take."),
        in_title=_("the type of a file"),
        remedy=_(
            "Turn it into text, PDF or an image, or let a model answer that takes it."
        ),
        source="https://github.com/google-gemini/gemini-cli/issues/16995",
        words=(
            r"file type.{0,40}(?:unsupported|invalid)|"
            r"unsupported (?:mime|file|media|document)|"
            r"(?:video|document|audio|file).{0,30}(?:not supported|unsupported)|"
            r"unsupported_file|document\.source|source\.type"
        ),
        plain=(
            r"file type.{0,40}not supported|unsupported (?:mime|file) ?type|"
            r"mime.?type.{0,80}not supported|document\.format\W{1,3}failed to satisfy|"
            r"(?:not|n't) support (?:the )?(?:video|document|audio|file|pdf)|"
            r"(?:audio|video|document) input modality|supported format: \.|"
            r"expected a base64-encoded data url"
        ),
        shows=parts_that(_any_file),
    ),
    Rule(
        id="files.name",
        side=Side.MESSAGE,
        sentence=_(
            "The name of a document has characters that the provider does not take, or "
            "is there twice."
        ),
        in_title=_("the name of a document"),
        remedy=_(
            "Call documents by letters, digits, blanks, hyphens and brackets, each by a "
            "name of its own."
        ),
        source="https://github.com/vercel/ai/issues/20365",
        words=NOTHING,
        plain=(
            r"document (?:file )?name can only contain|duplicate document (?:file )?name|"
            r"document\.name\W{1,3}failed to satisfy"
        ),
        shows=parts_that(_document),
    ),
)
