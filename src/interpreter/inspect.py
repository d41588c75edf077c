"""Prints executable, version and shared library of this interpreter as one line of JSON."""

import json
import os
import sys
import sysconfig

variable = sysconfig.get_config_var
short = "{}.{}".format(*sys.version_info)
suffix = "dylib" if sys.platform == "darwin" else "so.1.0"

names = [variable("INSTSONAME"), variable("LDLIBRARY"), "libpython{}.{}".format(short, suffix)]
directories = [variable("LIBDIR"), os.path.join(sys.base_prefix, "lib"), variable("LIBPL")]
if variable("MULTIARCH"):
    directories.insert(0, os.path.join("/usr/lib", variable("MULTIARCH")))
    directories.insert(0, os.path.join(variable("LIBDIR") or "/usr/lib", variable("MULTIARCH")))
if variable("PYTHONFRAMEWORKPREFIX"):
    directories.insert(0, variable("PYTHONFRAMEWORKPREFIX"))

candidates = [
    os.path.join(directory, name)
    for name in names
    if name and not name.endswith(".a")
    for directory in directories
    if directory
]
# LIBDIR is wrong in Debian's interpreters and right in pyenv's: only an existing file counts.
prefix = os.path.realpath(sys.base_prefix)
found = [path for path in candidates if os.path.isfile(path)]
own = [path for path in found if os.path.realpath(path).startswith(prefix + os.sep)]

print(
    json.dumps(
        {
            "executable": getattr(sys, "_base_executable", None) or sys.executable,
            "version": "{}.{}.{}".format(*sys.version_info),
            "library": (own or found or [None])[0],
        }
    )
)
