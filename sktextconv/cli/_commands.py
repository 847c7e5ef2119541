"""Implementation of the commands, except `serve`."""

import html
import os
import sys

from ..persistence._load import is_onnx, load_model
from ._errors import path_errors
from ._inputs import class_indices
from ._output import check_suffix, check_writable, open_output, print_line

__all__ = ["COMMANDS"]

_HTML_PAGE = (
    '<!doctype html>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n'
    '<meta name="color-scheme" content="light dark">\n'
    "<title>{title}</title>\n"
    '<body style="font-family:system-ui,sans-serif;max-width:45em;margin:1.5em auto;'
    'padding:0 1em">\n<h1 style="font-size:1.1em">{name}</h1>\n{content}\n'
)


def _predict(args):
    from ._predict import predict

    predict(args)


def _explain(args):
    from ..inspection._explain import explain
    from ..inspection._highlight import annotate, to_ansi, to_printable
    from ..inspection._html import to_html

    if args.html is not None:
        check_writable(args.html)
    classifier = _load(args)
    target = args.target
    if target is not None:
        classes = classifier.classes_.tolist()
        target = classes[class_indices([target], classes, "--target")[0]]
    attribution = explain(classifier, args.text, method=args.method, target=target)
    if args.html is not None:
        with open_output(args.html) as out:
            name = html.escape(to_printable(args.model.stem))
            label = html.escape(to_printable(str(attribution.label)))
            content = to_html(attribution)
            title = f"{name}: {label}"
            out.write(_HTML_PAGE.format(title=title, name=name, content=content))
    elif _supports_color(sys.stdout):
        print_line(to_ansi(attribution))
    else:
        print_line(annotate(attribution))


def _export(args):
    from ..persistence._onnx_export import export_onnx

    check_suffix(args.out, "export")
    check_writable(args.out)
    if is_onnx(args.model):
        raise ValueError(
            f"{args.model}: expected a file that sktextconv.save or train wrote, got "
            "an ONNX file."
        )
    classifier = _load(args)
    try:
        export_onnx(classifier, args.out)
    except TypeError as error:  # a linear model
        raise ValueError(f"{args.model}: {error}") from error
    print_line(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


def _evaluate(args):
    from ._evaluate import evaluate

    evaluate(args)


def _compare(args):
    from ._compare import compare

    compare(args)


def _train(args):
    from ._train import train  # imports scikit-learn, which ONNX files do not need

    train(args)


COMMANDS = {
    "compare": _compare,
    "train": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "explain": _explain,
    "export": _export,
}


def _load(args):
    with path_errors():
        return load_model(args.model, device=args.device)


def _supports_color(stream):
    allowed = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return allowed and stream.isatty()
