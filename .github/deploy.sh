#!/usr/bin/env bash
# `stockstream deploy`, as anybody types it, of what `make build` has built, as the stage's role. Its settings come from the
# environment: docs/delivery.md. BACK=--back is the way back to an older version.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${STACK:?the stack\'s name}" "${BUCKET:?where the code is put}" "${STACK_ROLE:?the role that CloudFormation takes}"
# One word for each parameter: Instruments=IBM,TSCO.LON Interval=5min
read -r -a parameters <<<"${PARAMETERS:-} ${BACK:-}"
exec .venv/bin/stockstream deploy --config-env stage --stack "$STACK" --built --bucket "$BUCKET" --role "$STACK_ROLE" \
    "${parameters[@]}"
