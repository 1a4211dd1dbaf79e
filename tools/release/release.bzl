"""What is handed to AWS, gathered in one folder: the same bytes from the same sources."""

load("@bazel_skylib//rules:copy_file.bzl", "copy_file")
load("@rules_go//go:def.bzl", "go_cross_binary")
load("@rules_pkg//pkg:mappings.bzl", "pkg_attributes", "pkg_files")
load("@rules_pkg//pkg:zip.bzl", "pkg_zip")

# //... does not build a release, which is every binary over again, for other processors.
_TAGS = ["manual"]

# AWS's name of a processor, and the platform that builds for it without C.
_PLATFORMS = {
    "arm64": "@rules_go//go/toolchain:linux_arm64",
    "x86_64": "@rules_go//go/toolchain:linux_amd64",
}

def _cross(name, binary):
    """Builds a Go binary for each processor.

    Args:
        name: what the targets' names begin with.
        binary: the go_binary.

    Returns:
        the target for each processor.
    """
    targets = {}
    for arch, platform in _PLATFORMS.items():
        targets[arch] = name + "-binary-" + arch
        go_cross_binary(
            name = targets[arch],
            platform = platform,
            tags = _TAGS,
            target = binary,
        )
    return targets

def _lambda_zip(name, binary):
    """Packs a Go binary the way the runtime provided.al2023 wants it: one executable, bootstrap.

    Args:
        name: the target, and the file without its .zip.
        binary: the go_binary of the handler.
    """
    targets = _cross(name, binary)
    native.alias(
        name = name + "-binary",
        actual = select({"//tools/release:" + arch: target for arch, target in targets.items()}),
        tags = _TAGS,
    )
    pkg_files(
        name = name + "-files",
        srcs = [name + "-binary"],
        attributes = pkg_attributes(mode = "0755"),
        renames = {name + "-binary": "bootstrap"},
        tags = _TAGS,
    )
    pkg_zip(
        name = name,
        srcs = [name + "-files"],
        out = name + ".zip",
        tags = _TAGS,
    )

def release(name, lambdas, worker, files):
    """Gathers a release in bazel-bin/NAME.

    Args:
        name: the target that builds all of it, and the folder.
        lambdas: the go_binary of each function, by the function's name: NAME/FUNCTION.zip.
        worker: the worker's go_binary: NAME/worker-PROCESSOR, for each processor.
        files: what is taken as it is, a label by the file's name.
    """
    parts = []
    for function, binary in lambdas.items():
        _lambda_zip(name + "/" + function, binary)
        parts.append(name + "/" + function)
    for arch, target in _cross(name + "/worker", worker).items():
        parts.append(name + "/worker-" + arch)
        copy_file(
            name = name + "/copy-worker-" + arch,
            src = target,
            out = parts[-1],
            is_executable = True,
            tags = _TAGS,
        )
    for file, label in files.items():
        parts.append(name + "/" + file)
        copy_file(
            name = name + "/copy-" + file,
            src = label,
            out = parts[-1],
            tags = _TAGS,
        )
    native.filegroup(
        name = name,
        srcs = parts,
        tags = _TAGS,
    )
