package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A chain of steps, each of which needs the result of the one before. Never inlined, so that what is calibrated is
// what the pairs do.
//
//go:noinline
func perform(steps int64, value uint64) uint64 {
	for ; steps > 0; steps-- {
		value = (value ^ value>>32) * 0x9E3779B97F4A7C15
	}
	return value
}

// As many steps as this machine does in so many nanoseconds when nothing else takes its processor.
func stepsLasting(nanoseconds int64) int64 {
	if nanoseconds == 0 {
		return 0
	}
	const sample = 20_000
	value, shortest := uint64(1), time.Duration(math.MaxInt64)
	for i := 0; i < 400; i++ {
		start := time.Now()
		value = perform(sample, value)
		if took := time.Since(start); took < shortest {
			shortest = took
		}
	}
	check(value != 0 && shortest > 0, "calibration")
	steps := int64(math.Round(float64(nanoseconds) * sample / float64(shortest)))
	if steps < 1 {
		return 1
	}
	return steps
}

func cpuSeconds() float64 {
	var r syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil, "getrusage")
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

// What one player of a pair has done.
type playerEnd struct {
	rounds, handled int64
	result          uint64
}

func startPair(rounds, steps int64, done chan<- playerEnd) {
	a, b := make(chan int64, mailboxCap), make(chan int64, mailboxCap)
	go func() { // serves, and counts the rounds
		end := playerEnd{result: 1}
		b <- 0
		for value := range a {
			end.handled++
			if steps > 0 {
				end.result = perform(steps, end.result)
			}
			if value == rounds {
				end.rounds = value
				break
			}
			b <- value
		}
		done <- end
	}()
	go func() {
		end := playerEnd{result: 1}
		for end.handled < rounds {
			value := <-b
			end.handled++
			if steps > 0 {
				end.result = perform(steps, end.result)
			}
			end.rounds = value + 1
			a <- end.rounds
		}
		done <- end
	}()
}

// actor.pairs.N.WORK.outside and .inside. Prints the processors used as a sixth field. False: no such workload.
func pairs(workload, implementation string, scale float64) bool {
	parts := strings.Split(workload, ".")
	if len(parts) != 5 {
		return false
	}
	count, err1 := strconv.ParseInt(parts[2], 10, 64)
	work, err2 := strconv.ParseInt(parts[3], 10, 64)
	if err1 != nil || err2 != nil || count < 1 || work < 0 || parts[4] != "outside" && parts[4] != "inside" {
		return false
	}
	rounds := int64(scale*float64(1_000_000_000/(work+50))) / 2 // of all pairs together
	if rounds < count {
		rounds = count
	}
	steps := stepsLasting(work)
	done := make(chan playerEnd, 2*count)
	start, used := time.Now(), cpuSeconds()
	spawn := func() {
		for pair := int64(0); pair < count; pair++ {
			own := rounds / count
			if pair < rounds%count {
				own++
			}
			startPair(own, steps, done)
		}
	}
	if parts[4] == "outside" {
		spawn()
	} else {
		go spawn()
	}
	results := map[int64]uint64{}
	var handled int64
	for i := int64(0); i < 2*count; i++ {
		end := <-done
		check(end.handled == end.rounds, "pairs: a player did not handle every ball")
		// Players of as many rounds have done the same work.
		if result, ok := results[end.rounds]; ok {
			check(result == end.result, "pairs: the results of the work differ")
		}
		results[end.rounds] = end.result
		handled += end.handled
	}
	seconds := time.Since(start).Seconds()
	processors := (cpuSeconds() - used) / seconds
	check(handled == 2*rounds, "pairs: messages")
	fmt.Printf("%s,%s,%d,%.6f,%.3f,%.2f\n", workload, implementation, handled, seconds, seconds*1e9/float64(handled), processors)
	return true
}
