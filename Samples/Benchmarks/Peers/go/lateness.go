package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// actor.timer_lateness.MS: one timer at a time. Prints p50 and p99 in microseconds. False: no such workload.
func timerLateness(workload, implementation string, scale float64) bool {
	ms, err := strconv.ParseInt(strings.TrimPrefix(workload, "actor.timer_lateness."), 10, 64)
	if err != nil || ms < 1 {
		return false
	}
	start := time.Now()
	count := int(300 * scale)
	if count < 1 {
		count = 1
	}
	done := make(chan []time.Duration)
	go func() {
		late := make([]time.Duration, 0, count)
		random := uint64(0x9E3779B97F4A7C15)
		for len(late) < count {
			random ^= random << 13
			random ^= random >> 7
			random ^= random << 17
			// Spread over a millisecond, so that the timers are not in step with the ticks of whatever moves them.
			for start := time.Now().Add(time.Duration(random % 1_000_000)); time.Now().Before(start); {
			}
			after := time.Duration(ms) * time.Millisecond
			deadline := time.Now().Add(after)
			<-time.NewTimer(after).C
			late = append(late, time.Since(deadline))
		}
		done <- late
	}()
	late := <-done
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	check(late[0] >= 0, "a timer was early")
	percentile := func(p int) float64 { return float64(late[(count*p+99)/100-1]) / 1e3 } // by nearest rank
	fmt.Printf("%s,%s,%d,%.6f,%.3f,%.3f\n", workload, implementation, count, time.Since(start).Seconds(), percentile(50), percentile(99))
	return true
}
