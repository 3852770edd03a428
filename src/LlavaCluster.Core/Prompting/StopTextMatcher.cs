namespace LlavaCluster.Core.Prompting;

/// <summary>
/// Looks for several texts at once in a text that arrives in stretches (Aho and Corasick's automaton), and holds back only what may
/// still become one of them.
/// </summary>
internal sealed class StopTextMatcher
{
    private readonly List<Node> _nodes = [new Node()];
    private readonly HeldText _held = new();
    private int _state;

    /// <exception cref="ArgumentException">An empty text.</exception>
    public StopTextMatcher(IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            if (text.Length == 0)
            {
                throw new ArgumentException("A stop text is empty; it would end every answer before it begins.", nameof(texts));
            }

            Add(text);
        }

        LinkFailures();
    }

    /// <summary>One of the texts has appeared.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes a stretch of text; gives what may be shown: all before a text that was found, or all that cannot become one.</summary>
    public string Push(string text)
    {
        if (Found || text.Length == 0)
        {
            return "";
        }

        if (_nodes.Count == 1)
        {
            return text;
        }

        // What is held back is what the state has matched: its last Depth characters.
        for (var i = 0; i < text.Length; i++)
        {
            _state = Step(_state, text[i]);
            if (_nodes[_state].Match is > 0 and var length)
            {
                Found = true;
                _held.Append(text.AsSpan(0, i + 1));
                return _held.Take(_held.Length - length);
            }
        }

        _held.Append(text);
        return _held.Take(_held.Length - _nodes[_state].Depth);
    }

    /// <summary>What is held back, when no more text comes.</summary>
    public string Flush()
    {
        _state = 0;
        return _held.Take(_held.Length);
    }

    private int Step(int state, char c)
    {
        while (true)
        {
            if (_nodes[state].Next.TryGetValue(c, out var next))
            {
                return next;
            }

            if (state == 0)
            {
                return 0;
            }

            state = _nodes[state].Failure;
        }
    }

    private void Add(string text)
    {
        var state = 0;
        foreach (var c in text)
        {
            if (!_nodes[state].Next.TryGetValue(c, out var next))
            {
                next = _nodes.Count;
                _nodes[state].Next[c] = next;
                _nodes.Add(new Node { Depth = _nodes[state].Depth + 1 });
            }

            state = next;
        }

        _nodes[state].Match = text.Length;
    }

    /// <summary>From the root outwards: where a state goes on when its character does not fit.</summary>
    private void LinkFailures()
    {
        var queue = new Queue<int>(_nodes[0].Next.Values);
        while (queue.TryDequeue(out var state))
        {
            foreach (var (c, next) in _nodes[state].Next)
            {
                _nodes[next].Failure = Step(_nodes[state].Failure, c);
                queue.Enqueue(next);
            }

            // A shorter text may end inside a longer one; the longer, if it ends here too, counts.
            if (_nodes[state].Match == 0)
            {
                _nodes[state].Match = _nodes[_nodes[state].Failure].Match;
            }
        }
    }

    private sealed class Node
    {
        public Dictionary<char, int> Next { get; } = [];

        public int Depth { get; init; }

        public int Failure { get; set; }

        /// <summary>Length of the longest text that ends here; 0: none.</summary>
        public int Match { get; set; }
    }
}
