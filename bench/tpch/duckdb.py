"""Runs SQL on DuckDB for the Go program beside it.

Arguments: the folder of the Parquet files, a file of queries, the threads, and
optionally a folder for the answers. The file has a JSON list of [name, sql]. For each
query a JSON line says what it cost: name, seconds, CPU seconds of this process, rows.
An answer is CSV as Millrace writes results: NULL is an empty cell, '' is "".
"""

import glob
import json
import os
import resource
import sys
import time

import duckdb


def cell(v):
    if v is None:
        return ""
    text = format(v, "f") if hasattr(v, "as_tuple") else str(v)
    if text == "" or any(c in text for c in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    data, queries, threads = sys.argv[1:4]
    answers = sys.argv[4] if len(sys.argv) > 4 else None
    con = duckdb.connect(config={"threads": int(threads)})
    con.execute("SET enable_progress_bar = false")  # it would go to stdout, between the answers
    for file in glob.glob(os.path.join(data, "*.parquet")):
        name = os.path.basename(file)[: -len(".parquet")]
        con.execute("CREATE VIEW %s AS SELECT * FROM '%s'" % (name, file.replace("'", "''")))
    for name, sql in json.load(open(queries)):
        began, used = time.monotonic(), cpu()
        cursor = con.execute(sql)
        rows = cursor.fetchall()
        line = {"query": name, "seconds": time.monotonic() - began, "cpu_seconds": cpu() - used, "rows": len(rows)}
        print(json.dumps(line), flush=True)
        if answers:
            with open(os.path.join(answers, name + ".csv"), "w") as out:
                out.write(",".join(cell(c[0]) for c in cursor.description) + "\n")
                for row in rows:
                    out.write(",".join(cell(v) for v in row) + "\n")


main()
