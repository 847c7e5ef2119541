"""Files for clusters: the names, numbers and commands in them fit together."""

import shlex
import subprocess

import pytest
import yaml
from torch.distributed.run import get_args_parser

from ..conftest import REPOSITORY

FOLDER = REPOSITORY / "docs" / "how-to" / "cluster"


def parse_torchrun(command):
    """Return the options of a command line as torchrun reads them."""
    program, *arguments = command
    assert program == "torchrun"
    return get_args_parser().parse_args(arguments)


def test_slurm_file():
    """The shell accepts the file, and torchrun its command on as many nodes."""
    path = FOLDER / "fit.sbatch"
    subprocess.run(["bash", "-n", path], check=True)
    lines = path.read_text()
    options = dict(
        line.removeprefix("#SBATCH --").split("=")
        for line in lines.splitlines()
        if line.startswith("#SBATCH")
    )
    command = lines.partition("srun ")[2].replace("\\\n", "")
    command = command.replace("$SLURM_NNODES", options["nodes"])
    found = parse_torchrun(shlex.split(command))
    assert (found.nnodes, found.nproc_per_node) == ("4", options["gpus-per-node"])
    assert options["ntasks-per-node"] == "1"  # torchrun starts the others
    assert (found.rdzv_backend, found.rdzv_endpoint) == ("c10d", "$first:29500")
    assert found.training_script == "fit.py"


@pytest.fixture(scope="module")
def manifest():
    return list(yaml.safe_load_all((FOLDER / "fit.yaml").read_text()))


def test_kubernetes_names(manifest):
    """The service selects the pods of the job, which have its name as domain."""
    service, job = manifest
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    name = job["metadata"]["name"]
    assert service["spec"] == {"clusterIP": "None", "selector": {"job-name": name}}
    assert job["spec"]["template"]["spec"]["subdomain"] == service["metadata"]["name"]


def test_kubernetes_job(manifest):
    """All pods run at once, with the numbers and the first host of the command."""
    service, job = manifest
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    found = parse_torchrun(container["command"])
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"] == int(found.nnodes)
    gpus = container["resources"]["limits"]["nvidia.com/gpu"]
    assert gpus == int(found.nproc_per_node)
    first = f"{job['metadata']['name']}-0.{service['metadata']['name']}"
    assert found.rdzv_endpoint == f"{first}:29500"
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
