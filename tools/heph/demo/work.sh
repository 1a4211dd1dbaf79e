#!/bin/sh
# What the workers of the demonstration run for each mail, in the workspace of the mail's key. In real
# use a coding agent stands here; this one knows what to do by the message's name.
set -eu

say() { printf '%s\n' "$*"; }
saved() { printf '%s\n' "$*" >"$HEPHAESTUS_PARTIAL_WORK_FILE"; }

# Goes on when the demonstration has shown what has to happen meanwhile, so that the story does not hang
# on the speed of the machine. Ends with its worker, where the system does not see to that.
meanwhile() {
	while [ ! -e "$HEPH_DEMO_GATES/$1" ]; do
		kill -0 "$PPID" 2>/dev/null || exit 1
		sleep 0.1
	done
}

case $HEPHAESTUS_MESSAGE_ID in
a1-begin)
	say "sees the sketch: $(ls "$HEPHAESTUS_ATTACHMENTS")"
	{
		say '<h1>Mill Lane Bakery</h1>'
		say '<pre class="hours">'
		grep '[0-9]:00' "$HEPHAESTUS_TEXT_FILE"
		say '</pre>'
		say '<footer>Call us: 01632 960 141</footer>'
	} >index.html
	sleep 0.6
	meanwhile a1-begin
	say "index.html has the opening hours"
	;;
a2-reply)
	sleep 0.6
	sed 's/^\( *Saturday .*\)14:00/\115:00/' index.html >index.html.new
	mv index.html.new index.html
	say "index.html: $(grep Saturday index.html | tr -s ' ' | sed 's/^ //')"
	;;
a3-reply)
	trap '' TERM
	say '<ul>' >holidays.html
	for holiday in 'New Year' 'Good Friday' 'Easter Monday' 'May Day' 'Spring' 'Summer' 'Christmas' 'Boxing Day'; do
		sleep 0.6
		say "<li>$holiday: closed</li>" >>holidays.html
		saved "holidays.html has $(grep -c '<li>' holidays.html) of 8 holidays"
		[ "$holiday" != 'New Year' ] || say "has begun holidays.html, and will not listen to SIGTERM"
	done
	meanwhile a3-reply
	say '</ul>' >>holidays.html
	;;
b1-new-thread)
	sed 's/01632 960 141/01632 960 114/' index.html >index.html.new
	mv index.html.new index.html
	say "index.html: $(grep 960 index.html)"
	sleep 0.6
	meanwhile b1-new-thread
	say "the right number is on every page"
	;;
d1-killed)
	prices=$HEPHAESTUS_ATTACHMENTS/prices-2026-11.csv
	touch shop.csv.loading
	loaded=$(wc -l <shop.csv.loading)
	[ "$loaded" -eq 0 ] || say "goes on after the $((loaded)) lines that the first worker has loaded"
	tail -n "+$((loaded + 1))" "$prices" | while IFS= read -r line; do
		printf '%s\n' "$line" >>shop.csv.loading
		loaded=$((loaded + 1))
		sleep 0.1
		if [ "$loaded" -eq 3 ]; then
			say "has loaded 3 lines of $(wc -l <"$prices" | tr -d ' ')"
			meanwhile d1-killed
		fi
	done
	mv shop.csv.loading shop.csv
	say "shop.csv has all $(wc -l <shop.csv | tr -d ' ') lines"
	;;
e1-overtime)
	volume=0
	trap 'say "stops, and keeps $volume volumes"; saved "index.txt has $volume of 46 volumes"; exit 0' TERM
	say "indexes 46 volumes"
	while [ "$volume" -lt 46 ]; do
		(trap '' TERM && exec sleep 0.5) # a volume is never left half done
		volume=$((volume + 1))
		say "volume $volume" >>index.txt
	done
	;;
e2-again)
	sleep 0.3
	say "$(grep -c volume index.txt) volumes" >answer.txt
	say "answers: $(cat answer.txt)"
	;;
*) # a mail that somebody sends to a stack that was kept
	cat "$HEPHAESTUS_TEXT_FILE"
	;;
esac
