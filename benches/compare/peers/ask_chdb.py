"""The question, in SQL for ClickHouse within the process: ask_chdb.py LOG THREADS."""

import json
import sys

import chdb

QUESTION = """
with log as (
  select parseDateTimeBestEffort(time) as at, resultType as code,
    if(code = '404104' or code like '500___' or (code = '' and operationName = 'deviceConnect'),
      JSONExtractString(properties, 'deviceId'), '') as id, concat(resourceId, '/', id) as device
  from file('{log}', 'JSONEachRow',
    'time String, resourceId String, operationName String, resultType String, properties String')
), after_cut as (
  select code, id, device,
    at - maxIf(at, code = '404104') over (partition by device order by at) <= 60 as near
  from log
)
select count(), countIf(code = '404104'),
  uniqExactIf(device, code like '500___' and id != ''),
  uniqExactIf(device, code = '' and id != '' and near)
from after_cut
settings max_threads = {threads}
"""

log, threads = sys.argv[1], int(sys.argv[2])
answers = str(chdb.query(QUESTION.format(log=log, threads=threads), "CSV")).split(",")
print(json.dumps(dict(zip(("records", "disconnects", "failing", "returned"), map(int, answers)))))
