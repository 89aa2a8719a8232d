"""The command line: parse, call one public function, print its report."""

from modelwright.cli.stop_signal import end_first_process_on_stop

# Before any other import: importing all commands takes a tenth of a second or more.
end_first_process_on_stop()
