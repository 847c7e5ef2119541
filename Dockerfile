# A server of one ONNX file, without PyTorch and scikit-learn:
#
#     docker build --tag sktextconv .
#     docker run --rm --read-only --publish 127.0.0.1:8000:8000 \
#         --volume "$PWD/model.onnx:/model/model.onnx:ro" sktextconv
#
FROM python:3.13-slim

WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY sktextconv sktextconv
RUN python -m pip install --no-cache-dir --constraint constraints.txt --group server \
 && python -m pip install --no-cache-dir --no-deps . \
 && rm -r /build

WORKDIR /model
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["sktextconv", "serve", "/model/model.onnx", "--host", "0.0.0.0", "--port", "8000"]
