# The question for jq: jq -nc -f question.jq LOG
reduce inputs as $record (
  {records: 0, disconnects: 0, cut: {}, back: {}, failing: {}, returned: {}};
  .records += 1
  | ($record.resultType // "") as $code
  | if $code == "404104" then .disconnects += 1 else . end
  | if $code == "404104" or ($code | test("^500...$")) or ($code == "" and $record.operationName == "deviceConnect")
    then
      ($record.properties | fromjson.deviceId) as $id
      | if $id == null then .
        else
          ($record.resourceId + "/" + $id) as $device
          | ($record.time | fromdateiso8601) as $time
          | if $code == "404104" then
              .cut[$device] = $time | if .back[$device] == $time then .returned[$device] = true else . end
            elif $code == "" then
              .back[$device] = $time
              | if .cut[$device] != null and $time - .cut[$device] <= 60 then .returned[$device] = true else . end
            else .failing[$device] = true
            end
        end
    else .
    end
)
| {records, disconnects, failing: (.failing | length), returned: (.returned | length)}
