"""The template with the real functions and the real worker, on an emulator of AWS without containers.

    python emulated.py TREE WORK

TREE is the repository, WORK an empty folder. Needs ministack and boto3. It builds the release for
this machine, starts the emulator with roles enforced, makes a stack of deploy/template.yaml, and
plays stories in it; it fails with what went otherwise than told.
"""
import json
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile

import boto3

tree, work = map(os.path.abspath, sys.argv[1:3])
functions = sorted(f for f in os.listdir(f"{tree}/services") if os.path.isdir(f"{tree}/services/{f}/lambda"))


def build(target, package, *flags):
    subprocess.run(["go", "build", *flags, "-o", target, package], cwd=tree, check=True, env={**os.environ, "CGO_ENABLED": "0"})


release = f"{work}/release"
os.makedirs(release)
for name in functions:
    build(f"{work}/bootstrap", f"./services/{name}/lambda", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w")
    with zipfile.ZipFile(f"{release}/{name}.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.write(f"{work}/bootstrap", "bootstrap")
build(f"{work}/worker", "./services/worker/cmd")
build(f"{work}/heph", "./tools/heph")

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
endpoint = f"http://127.0.0.1:{port}"
started = []


def start(command, log, **environ):
    started.append(subprocess.Popen(command, cwd=work, env={**os.environ, **environ}, stdout=open(f"{work}/{log}", "w"), stderr=subprocess.STDOUT))
    return started[-1]


def wait(what, seconds, holds):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise SystemExit(f"never came to be in {seconds} s: {what}")


here = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
environ = dict(AWS_ENDPOINT_URL=endpoint, AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", STACK_PREFIX="emulated")


def run(*args):
    return subprocess.run([f"{work}/heph", *args, "--endpoint", endpoint, "--prefix", "emulated"], capture_output=True, text=True, env={**os.environ, **environ})


def heph(*args, expect=0):
    done = run(*args)
    if done.returncode != expect:
        raise SystemExit(f"heph {' '.join(args)}: exit status {done.returncode}, want {expect}\n{done.stdout}{done.stderr}")
    return done.stdout


def send(subject, *args, **kw):
    return heph("send", "--from", "dana@shop.example", "--to", "scott@amelia.example.com", "--subject", subject, "--body", "Please do it.", *args, **kw).strip()


def job(message):
    return json.loads(heph("status", "--message", message, "-o", "json"))


def becomes(message, name, value):
    """Waits until the message's job says so. Before intake has taken it there is no such message."""

    def holds():
        done = run("status", "--message", message, "-o", "json")
        return done.returncode == 0 and json.loads(done.stdout)["job"].get(name) == value

    wait(f"{name} {value} of {message}", 120, holds)


def deploy():
    s3, stacks = boto3.client("s3", **here), boto3.client("cloudformation", **here)
    s3.create_bucket(Bucket="artifacts")
    for name in functions:
        s3.upload_file(f"{release}/{name}.zip", "artifacts", f"v1/{name}.zip")
    s3.upload_file(f"{tree}/deploy/statemachine/email-processor.asl.json", "artifacts", "v1/email-processor.asl.json")
    s3.upload_file(f"{tree}/deploy/template.yaml", "artifacts", "v1/template.yaml")
    machine = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    parameters = dict(Prefix="emulated", EndpointUrl=endpoint, ArtifactsBucket="artifacts", Release="v1", Architecture=machine, Senders="open", KeepData="false")
    stacks.create_stack(
        StackName="emulated", TemplateURL=f"{endpoint}/artifacts/v1/template.yaml", Capabilities=["CAPABILITY_IAM"],
        Parameters=[dict(ParameterKey=k, ParameterValue=v) for k, v in parameters.items()],
    )
    wait("the stack", 120, lambda: not stack(stacks)["StackStatus"].endswith("IN_PROGRESS"))
    made = stack(stacks)
    if made["StackStatus"] != "CREATE_COMPLETE":
        failed = [e for e in stacks.describe_stack_events(StackName="emulated")["StackEvents"] if "FAILED" in e["ResourceStatus"]]
        raise SystemExit(f"{made['StackStatus']}: " + "; ".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in failed))
    return {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}


def stack(stacks):
    return stacks.describe_stacks(StackName="emulated")["Stacks"][0]


COMMAND = """
case "$HEPHAESTUS_SUBJECT" in
*fails*) exit 3;;
*long*) trap 'echo half of it > "$HEPHAESTUS_PARTIAL_WORK_FILE"; exit 1' TERM; sleep 600 & wait;;
esac
echo "did $HEPHAESTUS_SUBJECT"
[ -z "$HEPHAESTUS_ATTACHMENTS" ] || cat "$HEPHAESTUS_ATTACHMENTS"/*
"""


def worker():
    return start([f"{work}/worker", "/bin/sh", "-c", COMMAND], "worker.log", WORK_QUEUE_URL=outputs["WorkQueueUrl"], WORKER_ROOT=f"{work}/root", HEARTBEAT="2s", **environ)


def says(message, **want):
    told = job(message)["job"]
    for name, value in want.items():
        if value not in told.get(name, ""):
            raise SystemExit(f"{message}: {name} is {told.get(name)!r}, want {value!r}: {told}")


try:
    start([sys.executable, "-m", "ministack"], "emulator.log", GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", AUTH="true", S3_DATA_DIR=f"{work}/s3")
    wait("the emulator", 60, lambda: urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).status < 500)
    outputs = deploy()
    print(f"a stack of {len(functions)} functions, with roles enforced")
    running = worker()

    m = send("a mail", "--wait", "--timeout", "90s")
    says(m, outcome="completed", result="did a mail")
    print("a mail is worked on")

    with open(f"{work}/list.csv", "w") as f:
        f.write("a,b\n")
    m = send("an attachment", "--attach", f"{work}/list.csv", "--wait", "--timeout", "90s")
    says(m, outcome="completed", result="a,b")
    print("a command gets its attachment")

    send("it fails", "--wait", "--timeout", "90s", expect=3)
    letters = lambda: [l["subject"] for l in json.loads(heph("status", "-o", "json"))["deadLetters"]]
    wait("its letter", 60, lambda: letters() == ["it fails"])
    print("a failure is told a person")

    long = send("long", "--message-id", "long@shop.example")
    becomes(long, "state", "running")
    join = send("Re: long, fails", "--in-reply-to", "long@shop.example")
    becomes(join, "state", "queued")
    newer = send("newer", "--wait", "--timeout", "120s")
    says(newer, outcome="completed")
    says(long, outcome="interrupted")
    record = job(long)["interruption"]
    if record["reason"] != "preempted" or record["partialWork"] != "half of it" or record["newMessageId"] != newer:
        raise SystemExit(f"record {record}")
    print("a newer thread preempts, and what was saved is on record")

    again = send("long again", "--message-id", "again@shop.example")
    becomes(again, "state", "running")
    flows = boto3.client("stepfunctions", **here)
    flows.stop_execution(executionArn=job(again)["job"]["executionArn"])
    becomes(again, "outcome", "failed")
    says(again, result="its execution was aborted")
    print("an aborted execution ends its job")

    running.terminate()
    if running.wait(40) != 0:
        raise SystemExit("the worker did not stop well")
except SystemExit:
    for log in "emulator.log", "worker.log":
        if os.path.exists(f"{work}/{log}"):
            print(f"--- the end of {log}")
            print("".join(open(f"{work}/{log}").readlines()[-15:]))
    raise
finally:
    for p in started:
        p.kill()
