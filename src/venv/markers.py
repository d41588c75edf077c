"""Prints the values that the markers of requirements are compared with, as one line of JSON."""

import json
import os
import platform
import sys

implementation = sys.implementation.version
kind = implementation.releaselevel
serial = "" if kind == "final" else kind[0] + str(implementation.serial)

print(
    json.dumps(
        {
            "implementation_name": sys.implementation.name,
            "implementation_version": "{}.{}.{}".format(*implementation) + serial,
            "os_name": os.name,
            "platform_machine": platform.machine(),
            "platform_python_implementation": platform.python_implementation(),
            "platform_release": platform.release(),
            "platform_system": platform.system(),
            "platform_version": platform.version(),
            "python_full_version": platform.python_version(),
            "python_version": ".".join(platform.python_version_tuple()[:2]),
            "sys_platform": sys.platform,
        }
    )
)
