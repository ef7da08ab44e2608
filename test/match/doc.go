// Package match runs queries with MATCH_RECOGNIZE in both modes, over rows that are
// few enough to find the matches by hand.
package match
