#!/usr/bin/env bash
# Deploys what `make build` has built, as the stage's role. Its settings come from the environment: docs/delivery.md.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${STACK:?the stack\'s name}" "${BUCKET:?where the code is put}" "${STACK_ROLE:?the role that CloudFormation takes}"
case " ${PARAMETERS:-} " in *" Architecture="*)
    echo "deploy: the build is for the template's default processor: change Architecture's default there, not among the PARAMETERS."
    exit 1 ;;
esac
parameters=()
# One word for each parameter: Instruments=IBM,TSCO.LON Interval=5min
if [ -n "${PARAMETERS:-}" ]; then
    read -r -a words <<<"$PARAMETERS"
    parameters=(--parameter-overrides "${words[@]}")
fi
exec .venv/bin/sam deploy --config-env stage --stack-name "$STACK" --s3-bucket "$BUCKET" --s3-prefix "$STACK" \
    --role-arn "$STACK_ROLE" "${parameters[@]}"
