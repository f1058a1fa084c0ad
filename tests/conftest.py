"""Sets OpenMP options before anything loads torch: spinning threads slow each other down on a busy machine."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
