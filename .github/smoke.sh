#!/usr/bin/env bash
# Whether a stack that was just deployed works: a test bar comes through it, and nothing is in its way, also once its alarms
# have had time to go off.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${STACK:?the stack\'s name}"
.venv/bin/stockstream smoke --stack "$STACK" --minutes 20
sleep "${SMOKE_SECONDS:-600}"
exec .venv/bin/stockstream doctor --stack "$STACK"
