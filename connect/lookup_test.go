package connect

import (
	"strings"
	"testing"
)

func TestCacheOf(t *testing.T) {
	for _, c := range []struct {
		options Options
		def     CacheKind
		want    Cache
		err     string
	}{
		{Options{}, CacheNone, Cache{}, ""},
		{Options{}, CacheFull, Cache{Kind: CacheFull}, ""},
		{Options{"lookup.cache": "NONE"}, CacheFull, Cache{}, ""},
		{Options{"lookup.cache": "PARTIAL", "lookup.partial-cache.max-rows": "9", "lookup.partial-cache.expire-after-write": "2 s", "lookup.partial-cache.cache-missing-key": "false"},
			CacheNone, Cache{Kind: CachePartial, MaxRows: 9, ExpireWrite: 2_000_000, ForgetMissing: true}, ""},
		{Options{"lookup.cache": "FULL", "lookup.full-cache.periodic-reload.interval": "1 min", "lookup.full-cache.periodic-reload.schedule-mode": "FIXED_RATE"},
			CacheNone, Cache{Kind: CacheFull, Every: 60_000_000, FixedRate: true}, ""},
		{Options{"lookup.cache": "FULL", "lookup.full-cache.reload-strategy": "TIMED", "lookup.full-cache.timed-reload.iso-time": "01:30+07:00", "lookup.full-cache.timed-reload.interval-in-days": "2"},
			CacheNone, Cache{Kind: CacheFull, Daily: true, Every: 2 * 24 * 3600 * 1_000_000, At: 66_600_000_000}, ""},
		{Options{"lookup.cache": "FULL", "lookup.full-cache.reload-strategy": "TIMED"}, CacheNone, Cache{}, "needs 'lookup.full-cache.timed-reload.iso-time'"},
		{Options{"lookup.cache": "FULL", "lookup.full-cache.reload-strategy": "TIMED", "lookup.full-cache.timed-reload.iso-time": "25:00"}, CacheNone, Cache{}, "no time of day"},
	} {
		got, err := CacheOf(c.options, c.def)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: it says %v, want %s", c.options, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%v: %+v %v, want %+v", c.options, got, err, c.want)
		}
	}
}

func TestLookupOptionsCheck(t *testing.T) {
	for key, bad := range map[string]string{
		"lookup.partial-cache.max-rows": "0", "lookup.partial-cache.expire-after-write": "soon", "lookup.full-cache.timed-reload.iso-time": "noon",
		"lookup.full-cache.reload-strategy": "WEEKLY", "lookup.full-cache.timed-reload.interval-in-days": "-1",
	} {
		for _, o := range append(append([]Option{CacheOption}, PartialCacheOptions...), FullCacheOptions...) {
			if o.Key == key && o.Check(bad) == nil {
				t.Errorf("'%s' = '%s' is taken", key, bad)
			}
		}
	}
}
