@echo off
rem Double-click, or drag a shop's params.yaml onto this file: loads the exports and makes the report of the newest month.
rem The first time it sets up .venv, which takes a few minutes; it needs Python 3.11 to 3.13 (python.org, with the py launcher).
setlocal
chcp 65001 >nul
set PYTHONUTF8=1
set CSPERF_LANG=zh
set "HERE=%~dp0"
set "PYTHON=%HERE%.venv\Scripts\python.exe"

if exist "%HERE%.venv\.ready" goto ready
py -3 -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" || goto nopython
py -3 -m venv "%HERE%.venv" || goto failed
"%PYTHON%" -m pip install --quiet --require-hashes --requirement "%HERE%requirements.lock" || goto failed
"%PYTHON%" -m pip install --quiet --no-deps --no-build-isolation --no-index --editable "%HERE%." || goto failed
type nul > "%HERE%.venv\.ready"

:ready
set "PARAMS=%~1"
if not "%PARAMS%"=="" goto run
set "PARAMS=%HERE%params\demo.yaml"
if not exist "%HERE%demo\truth.json" "%PYTHON%" -m csperf sample "%HERE%demo" || goto failed

:run
"%PYTHON%" -m csperf load "%PARAMS%" || goto failed
"%PYTHON%" -m csperf run "%PARAMS%" || goto failed
pause
exit /b 0

:nopython
echo Python 3.11, 3.12 or 3.13 is needed: install it from python.org, then double-click again.

:failed
pause
exit /b 1
