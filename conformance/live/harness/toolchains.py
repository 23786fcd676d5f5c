"""Go, Java and Maven, the SDKs that they bring, and the drivers that are built with them."""

import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess

from .install import HERE, Missing, program, run

DRIVERS = HERE / "drivers"
BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target")).resolve() / "live-sdks"
GO = BUILT / "go"
JARS = BUILT / "jars"
CLASSES = BUILT / "classes"
GENERATED = BUILT / "generated"

# What is read to build the drivers: when it has not changed, nothing is fetched and nothing is built.
SOURCES = ("go.mod", "go.sum", "*.go", "*.java", "*.xml", "jars.sha256")

# RudderStack's SDKs for Go and Java began as copies of Segment's: the driver of the one is that of the other but for these words.
SEGMENT_GO = (("rudderlabs/analytics-go/v4", "segmentio/analytics-go/v3"), ("DataPlaneUrl:", "Endpoint:"),
              ("\t\tDisableGzip:  !scenario.Gzip,\n", ""))
SEGMENT_JAVA = (("com.rudderstack.sdk.java.analytics:analytics", "com.segment.analytics.java:analytics"),
                ("com.rudderstack.sdk.java.analytics", "com.segment.analytics"), ("RudderAnalytics", "Analytics"),
                ("RudderJava", "SegmentJava"), (".setDataPlaneUrl(", ".endpoint("), (".setGZIP(Scenario.GZIP)", ""))

JAVA_DRIVERS = {"rudder-java": "RudderJava", "segment-java": "SegmentJava", "segment-kotlin": "SegmentKotlin"}


def java(name):
    """The command of a Java driver; started for a second or two, so without the compiler that takes its time."""
    path = os.pathsep.join((str(CLASSES / name), str(JARS / name / "*")))
    return ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, JAVA_DRIVERS[name])


def build_drivers():
    """Brings the SDKs for Go and the JVM and builds their drivers, unless that is done."""
    program("go", "golang-go", brew="go", dnf="golang")
    program("javac", "default-jdk-headless", brew="openjdk", dnf="java-latest-openjdk-devel")
    program("mvn", "maven", brew="maven", dnf="maven")
    stamp, digest = BUILT / "built-from", _digest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    shutil.rmtree(BUILT, ignore_errors=True)
    print("fetching the Go and Java SDKs and building their drivers ...", flush=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(_go), pool.submit(_java)]:
            done.result()
    stamp.write_text(digest)


def _digest():
    read = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in DRIVERS.rglob(pattern)):
        read.update(f"{path.relative_to(DRIVERS)}\n".encode())
        read.update(path.read_bytes())
    return read.hexdigest()


def _generate(driver, words, path):
    """Writes Segment's driver, made from RudderStack's."""
    text = driver.read_text()
    for rudder, segment in words:
        if rudder not in text:
            raise Missing(f"{driver.name} has no {rudder!r} any more; see toolchains.py")
        text = text.replace(rudder, segment)
    path.parent.mkdir(parents=True)
    path.write_text(text)


def _go():
    GO.mkdir(parents=True)
    source = GENERATED / "go"
    shutil.copytree(DRIVERS / "go", source)
    _generate(source / "rudder" / "main.go", SEGMENT_GO, source / "segment" / "main.go")
    # go.sum has the checksum of every module.
    run(["go", "build", "-buildvcs=false", "-mod=readonly", "-o", f"{GO}/", "./rudder", "./segment"],
        "The Go drivers could not be built.", cwd=source, stdin=subprocess.DEVNULL)


def _jars():
    run(["mvn", "--batch-mode", "--quiet", f"-Djars={JARS}", "dependency:copy-dependencies"],
        "The Java SDKs could not be fetched.", cwd=DRIVERS / "java", stdin=subprocess.DEVNULL)
    pinned = (DRIVERS / "java" / "jars.sha256").read_text().splitlines()
    expected = dict(reversed(line.split("  ", 1)) for line in pinned)
    found = {str(path.relative_to(JARS)): hashlib.sha256(path.read_bytes()).hexdigest() for path in JARS.rglob("*.jar")}
    if wrong := sorted(name for name in expected | found if expected.get(name) != found.get(name)):
        raise Missing(f"not as drivers/java/jars.sha256 has them: {', '.join(wrong)}")


def _java():
    _jars()
    segment = GENERATED / "java" / "SegmentJava.java"
    _generate(DRIVERS / "java" / "RudderJava.java", SEGMENT_JAVA, segment)
    for name, main in JAVA_DRIVERS.items():
        run(["javac", "-encoding", "UTF-8", "-cp", str(JARS / name / "*"), "-d", str(CLASSES / name),
             "Scenario.java", str(segment) if main == "SegmentJava" else f"{main}.java"],
            "The Java drivers could not be built.", cwd=DRIVERS / "java", stdin=subprocess.DEVNULL)
