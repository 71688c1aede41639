"""The question, in expressions for polars: ask_polars.py LOG THREADS."""

import json
import os
import sys

log, threads = sys.argv[1], sys.argv[2]
os.environ["POLARS_MAX_THREADS"] = threads

import polars as pl  # noqa: E402: it reads the number of threads when it is loaded

code = pl.col("resultType")
cut = (code == "404104").fill_null(False)
fault = code.str.contains("^500...$").fill_null(False)
back = code.is_null() & (pl.col("operationName") == "deviceConnect")
fields = ("time", "resourceId", "operationName", "resultType", "properties")

records = (
    pl.scan_ndjson(log, schema=dict.fromkeys(fields, pl.String))
    .with_columns(cut.alias("cut"), fault.alias("fault"), back.alias("back"))
    .select(
        "cut",
        "fault",
        "back",
        pl.when(cut | fault | back)
        .then(pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"))
        .alias("time"),
        pl.when(cut | fault | back)
        .then(pl.concat_str("resourceId", pl.col("properties").str.json_path_match("$.deviceId"), separator="/"))
        .alias("device"),
    )
    .collect(engine="streaming")
)
of_devices = records.filter(pl.col("device").is_not_null())
cuts = of_devices.filter("cut").select("device", "time", cut_at="time").sort("time")
returned = (
    of_devices.filter("back")
    .select("device", "time")
    .sort("time")
    .join_asof(cuts, on="time", by="device", tolerance="60s", check_sortedness=False)
    .filter(pl.col("cut_at").is_not_null())
)
print(
    json.dumps(
        {
            "records": records.height,
            "disconnects": records["cut"].sum(),
            "failing": of_devices.filter("fault")["device"].n_unique(),
            "returned": returned["device"].n_unique(),
        }
    )
)
