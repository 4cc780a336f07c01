package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"strconv"
	"sync"
)

// The limits of Redis itself.
const (
	maxArguments = 1 << 20
	maxBulk      = 512 << 20
	maxInline    = 64 << 10
	shardCount   = 64
)

// A map in shards, each under a lock of its own. Values are never changed once they are stored.
type store struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

type shard struct {
	sync.RWMutex
	values map[string][]byte
	_      [64]byte // keeps the locks of two shards out of one cache line
}

func newStore() *store {
	s := &store{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].values = make(map[string][]byte)
	}
	return s
}

func (s *store) shardOf(key []byte) *shard {
	return &s.shards[maphash.Bytes(s.seed, key)%shardCount]
}

func (s *store) get(key []byte) ([]byte, bool) {
	shard := s.shardOf(key)
	shard.RLock()
	value, found := shard.values[string(key)] // no copy of the key is made here
	shard.RUnlock()
	return value, found
}

func (s *store) set(key, value []byte) {
	kept := append([]byte(nil), value...)
	shard := s.shardOf(key)
	shard.Lock()
	shard.values[string(key)] = kept
	shard.Unlock()
}

func (s *store) size() (n int) {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.RLock()
		n += len(shard.values)
		shard.RUnlock()
	}
	return n
}

type protocolError string

func (e protocolError) Error() string { return string(e) }

// One command after another.
func serveRESP(c net.Conn, s *store) error {
	out := bufio.NewWriterSize(c, 16<<10)
	defer out.Flush()
	in := bufio.NewReaderSize(flushFirst{c, out}, maxInline)
	var reader commandReader
	for {
		arguments, err := reader.next(in)
		var bad protocolError
		if errors.As(err, &bad) {
			fmt.Fprintf(out, "-ERR Protocol error: %s\r\n", bad)
		}
		if err != nil {
			return err
		}
		if len(arguments) > 0 && answer(out, s, arguments) {
			return nil
		}
	}
}

// Sends the answers before each wait for more commands, so that a client that sends many commands at once gets their
// answers at once.
type flushFirst struct {
	net.Conn
	out *bufio.Writer
}

func (f flushFirst) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	return f.Conn.Read(p)
}

// Keeps its memory from one command to the next.
type commandReader struct {
	bytes     []byte
	arguments [][]byte
}

// The arguments are good until the next call.
func (r *commandReader) next(in *bufio.Reader) ([][]byte, error) {
	line, err := readLine(in)
	if err != nil {
		return nil, err
	}
	if cap(r.bytes) > 1<<20 { // one large command does not hold its memory for ever
		r.bytes = nil
	}
	r.bytes, r.arguments = r.bytes[:0], r.arguments[:0]
	if len(line) == 0 || line[0] != '*' {
		r.bytes = append(r.bytes, line...)
		return bytes.Fields(r.bytes), nil
	}
	count, ok := parseLength(line[1:], maxArguments)
	if !ok {
		return nil, protocolError("invalid multibulk length")
	}
	for i := 0; i < count; i++ {
		line, err := readLine(in)
		if err != nil {
			return nil, err
		}
		if len(line) == 0 || line[0] != '$' {
			return nil, protocolError("expected '$'")
		}
		length, ok := parseLength(line[1:], maxBulk)
		if !ok {
			return nil, protocolError("invalid bulk length")
		}
		if err := r.readBulk(in, length); err != nil {
			return nil, err
		}
	}
	return r.arguments, nil
}

// Memory grows with what has come in, not with what the length promises.
func (r *commandReader) readBulk(in *bufio.Reader, length int) error {
	start := len(r.bytes)
	for left := length; left > 0; {
		part, err := in.Peek(min(left, max(in.Buffered(), 1)))
		if err != nil {
			return err
		}
		r.bytes = append(r.bytes, part...)
		_, _ = in.Discard(len(part))
		left -= len(part)
	}
	end, err := in.Peek(2)
	if err != nil {
		return err
	}
	if end[0] != '\r' || end[1] != '\n' {
		return protocolError("expected CRLF after a bulk string")
	}
	_, _ = in.Discard(2)
	// Earlier arguments stay good if `append` moved the bytes: they hold the old ones.
	r.arguments = append(r.arguments, r.bytes[start:len(r.bytes):len(r.bytes)])
	return nil
}

// A line without its end.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, protocolError("too big inline request")
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
}

func parseLength(digits []byte, limit int) (int, bool) {
	if len(digits) == 0 || len(digits) > 10 {
		return 0, false
	}
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int(d-'0')
	}
	return n, n <= limit
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func max(a, b int) int { return -min(-a, -b) }

// Returns true if the connection ends with this answer.
func answer(out *bufio.Writer, s *store, arguments [][]byte) bool {
	name, count := arguments[0], len(arguments)
	switch {
	case bytes.EqualFold(name, []byte("get")) && count == 2:
		if value, found := s.get(arguments[1]); found {
			writeBulk(out, value)
		} else {
			_, _ = out.WriteString("$-1\r\n")
		}
	case bytes.EqualFold(name, []byte("set")) && count == 3:
		s.set(arguments[1], arguments[2])
		_, _ = out.WriteString("+OK\r\n")
	case bytes.EqualFold(name, []byte("ping")) && count == 1:
		_, _ = out.WriteString("+PONG\r\n")
	case bytes.EqualFold(name, []byte("ping")) && count == 2, bytes.EqualFold(name, []byte("echo")) && count == 2:
		writeBulk(out, arguments[1])
	case bytes.EqualFold(name, []byte("config")) && count == 3 && bytes.EqualFold(arguments[1], []byte("get")):
		_, _ = out.WriteString("*2\r\n")
		writeBulk(out, arguments[2])
		_, _ = out.WriteString("$0\r\n\r\n")
	case bytes.EqualFold(name, []byte("dbsize")) && count == 1:
		fmt.Fprintf(out, ":%d\r\n", s.size())
	case bytes.EqualFold(name, []byte("command")):
		_, _ = out.WriteString("*0\r\n")
	case bytes.EqualFold(name, []byte("quit")):
		_, _ = out.WriteString("+OK\r\n")
		return true
	default:
		fmt.Fprintf(out, "-ERR unknown command %q, or a wrong number of arguments\r\n", name[:min(len(name), 64)])
	}
	return false
}

func writeBulk(w *bufio.Writer, value []byte) {
	var digits [20]byte
	_ = w.WriteByte('$')
	_, _ = w.Write(strconv.AppendInt(digits[:0], int64(len(value)), 10))
	_, _ = w.WriteString("\r\n")
	_, _ = w.Write(value)
	_, _ = w.WriteString("\r\n")
}
