"""What outlives a stack's updates: what holds data, is a place in the stream, or is known by its name."""

from typing import Any

from stockstream_deploy.change_set import LASTING


def replacing(kind: str) -> list[list[str]]:
    """Where in a resource a change makes CloudFormation replace it, by AWS's own schema: paths of names."""
    # Imported here, since it takes longer than all of these tests.
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    return [path.removeprefix("/properties/").split("/") for path in paths]


def at(properties: Any, path: list[str]) -> Any:
    """What stands at a path of a resource's properties; None for nothing."""
    for name in path:
        properties = properties.get(name) if isinstance(properties, dict) else None
    return properties


def list_stores(template: dict[str, Any]) -> dict[str, Any]:
    """Each lasting resource by its logical id: its type, and what must not change in it, set or not."""
    return {
        name: {
            "type": resource["Type"],
            "condition": resource.get("Condition"),
            "policies": {name: resource.get(name) for name in ("DeletionPolicy", "UpdateReplacePolicy")},
            "fixed": {
                "/".join(path): at(resource["Properties"], path) for path in replacing(resource["Type"])
            },
        }
        for name, resource in template["Resources"].items()
        if resource["Type"] in LASTING
    }
