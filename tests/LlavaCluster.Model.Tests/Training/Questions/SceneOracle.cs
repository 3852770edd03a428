using System.Globalization;
using System.Text.RegularExpressions;
using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Model.Tests.Training.Questions;

/// <summary>
/// Answers English questions from their printed words and the scenes alone, by trying all objects; it shares no code with the
/// writer. It throws where a question has no or more than one right answer.
/// </summary>
internal sealed partial class SceneOracle(IReadOnlyList<Scene> pictures)
{
    private static readonly string[] Ordinals = ["first", "second"];

    private Scene _scene = pictures[0];
    private string _last = "";
    private SceneObject? _focus;

    /// <summary>The answer to the next turn.</summary>
    public string Answer(string question)
    {
        var asked = Requests().Replace(question.ToLowerInvariant(), " ").Replace("color", "colour").Trim(' ', '?', '.', '!');
        asked = Spaces().Replace(asked, " ");
        if (pictures.Count == 2 && OneOfTwo().Match(asked) is { Success: true } which && !asked.Contains("first or"))
        {
            _scene = pictures[which.Value.Contains("first") || which.Value.EndsWith('1') ? 0 : 1];
            asked = OneOfTwo().Replace(asked, "").Trim();
            if (asked is "" or "and" or "what about" or "and what about")
            {
                return Alone(_last);
            }
        }
        else if (pictures.Count == 2)
        {
            return AboutBoth(asked);
        }

        return Alone(asked);
    }

    private string AboutBoth(string asked)
    {
        if (asked.Contains("more shapes") || asked.Contains("more objects"))
        {
            Demand(pictures[0].Objects.Count != pictures[1].Objects.Count, asked);
            return Ordinals[pictures[0].Objects.Count > pictures[1].Objects.Count ? 0 : 1];
        }

        var has = pictures.Select(picture => picture.Objects.Any(o => Fits(o, asked))).ToArray();
        if (asked.Contains("both"))
        {
            return has[0] && has[1] ? "yes" : "no";
        }

        Demand(has[0] != has[1], asked);
        return Ordinals[has[0] ? 0 : 1];
    }

    private string Alone(string asked)
    {
        return asked switch
        {
            _ when TheOther().IsMatch(asked) => Other(),
            _ when Again().Match(asked) is { Success: true } again => Repeated(again.Groups[1].Value),
            _ => Fresh(asked),
        };
    }

    private string Other()
    {
        Demand(_scene.Objects.Count == 2 && _focus is not null, "the other");
        _focus = _scene.Objects.Single(o => !ReferenceEquals(o, _focus));
        return Trait(_last, _focus!);
    }

    /// <summary>"And the circle?", "And red stars?", "And a cross?": the last question about something else.</summary>
    private string Repeated(string words)
    {
        if (Counting().IsMatch(_last) || words.StartsWith("how many"))
        {
            return Number(words);
        }

        if (words.StartsWith("a ") || words.StartsWith("an ") || words.StartsWith("is there"))
        {
            return _scene.Objects.Any(o => Fits(o, words)) ? "yes" : "no";
        }

        _focus = Only(words);
        return Trait(_last, _focus);
    }

    private string Fresh(string asked)
    {
        var last = _last;
        _last = asked;
        if (Describing().IsMatch(asked))
        {
            return Description(asked.Contains("detail") || asked.Contains("where"));
        }

        if (Counting().IsMatch(asked))
        {
            return Number(asked);
        }

        if (TextWords().IsMatch(asked) || (It().IsMatch(asked) && AskingWhere().IsMatch(asked) && TextWords().IsMatch(last)))
        {
            return TextOf(asked);
        }

        var pair = new PairOracle(_scene, Only, Demand);
        if (pair.Compared(asked) is { } comparison)
        {
            return comparison;
        }

        if (pair.Related(asked) is { } holds)
        {
            return YesNo(holds);
        }

        if (asked.StartsWith("is the "))
        {
            // "is the circle red", "is the colour of the circle red", "is the red shape a circle".
            var split = asked.LastIndexOf(" a ", StringComparison.Ordinal);
            return split > 0
                ? YesNo(Fits(Only(asked[..split]), asked[split..]))
                : YesNo(Fits(Only(Shape(asked)!), asked));
        }

        if (Presence().IsMatch(asked))
        {
            var fitting = _scene.Objects.Where(o => Fits(o, asked)).ToArray();
            _focus = fitting.Length == 1 ? fitting[0] : null;
            return YesNo(fitting.Length > 0);
        }

        // What is left asks for a trait of one object.
        if (!It().IsMatch(asked) || _scene.Objects.Count == 1)
        {
            var region = Region().Match(asked);
            _focus = Biggest().IsMatch(asked) ? Largest()
                : region.Success && !asked.StartsWith("where") ? At(region.Groups[1].Value)
                : Only(asked);
        }

        Demand(_focus is not null, asked);
        return Trait(asked, _focus!);
    }

    private string Number(string words) => _scene.Objects.Count(o => Fits(o, words)).ToString(CultureInfo.InvariantCulture);

    private string TextOf(string asked)
    {
        if (AskingWhere().IsMatch(asked))
        {
            var glyphs = _scene.Text!.Glyphs;
            return Ninth((glyphs[0].Left + glyphs[^1].Right) / 2, (glyphs.Min(g => g.Top) + glyphs.Max(g => g.Bottom)) / 2);
        }

        return AskingForText().IsMatch(asked) ? YesNo(_scene.Text is not null) : _scene.Text?.Value ?? "There is no text.";
    }

    private string Trait(string asked, SceneObject drawn) => asked switch
    {
        _ when asked.Contains("colour") => drawn.Colour.ToString().ToLowerInvariant(),
        _ when AskingWhere().IsMatch(asked) => Ninth(drawn.CentreX, drawn.CentreY),
        _ => drawn.Shape.ToString().ToLowerInvariant(),
    };

    private SceneObject Only(string words)
    {
        var fitting = _scene.Objects.Where(o => Fits(o, words)).ToArray();
        Demand(fitting.Length == 1, $"{words}: {fitting.Length} fit");
        return fitting[0];
    }

    private SceneObject Largest()
    {
        var order = _scene.Objects.OrderByDescending(o => o.Width * o.Height).ToArray();
        Demand(order.Length > 1 && order[0].Width * order[0].Height > 1.7 * order[1].Width * order[1].Height, "the biggest");
        return order[0];
    }

    /// <summary>The only object for which a place's words can be meant: of all that share a word of their places with it.</summary>
    private SceneObject At(string place)
    {
        var named = _scene.Objects.Select(o => (o, at: Ninth(o.CentreX, o.CentreY))).ToArray();
        var near = named.Where(n => place.Split(' ') is { Length: 1 } ? n.at.Split(' ').Contains(place) : n.at == place).ToArray();
        Demand(near.Length == 1 && near[0].at == place, place);
        return near[0].o;
    }

    private string Ninth(float x, float y)
    {
        double right = 3.0 * x / _scene.Width, down = 3.0 * y / _scene.Height;
        Demand(new[] { right, down }.All(v => Math.Abs(v - 1) > 0.1 && Math.Abs(v - 2) > 0.1), $"({x}, {y}) is between two places");
        var row = down < 1 ? "top" : down > 2 ? "bottom" : "";
        var column = right < 1 ? "left" : right > 2 ? "right" : "";
        return row + column == "" ? "centre" : $"{row} {column}".Trim();
    }

    private string Description(bool places)
    {
        var things = new List<string>();
        foreach (var o in _scene.Objects.OrderBy(o => o.CentreX))
        {
            var adjective = o.Filled ? $"{o.Colour}" : $"{o.Colour} outlined";
            var thing = $"{("AO".Contains(adjective[0]) ? "an" : "a")} {adjective} {o.Shape}".ToLowerInvariant();
            things.Add(places ? $"{thing} @" : thing);
        }

        var list = things.Count > 1 ? $"{string.Join(", ", things.SkipLast(1))} and {things[^1]}" : things[0];
        var text = _scene.Text is { Value: var word } ? $" The text says \"{word}\"." : "";
        return $"{list[..1].ToUpperInvariant()}{list[1..]}.{text}";
    }

    private static bool Fits(SceneObject drawn, string words) =>
        (Shape(words) is not { } shape || shape == drawn.Shape.ToString().ToLowerInvariant())
        && (Colour(words) is not { } colour || colour == drawn.Colour.ToString().ToLowerInvariant());

    private static string? Shape(string words) =>
        ShapeWord().Match(words) is { Success: true } match ? match.Groups[1].Value : null;

    private static string? Colour(string words) => ColourWord().Match(words) is { Success: true } match ? match.Value : null;

    private static string YesNo(bool holds) => holds ? "yes" : "no";

    private static void Demand(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"No single right answer: {what}");
        }
    }

    [GeneratedRegex(@"((answer|reply) (with|in) (a single|one) word|answer briefly|one word answer)\.?\s*$")]
    private static partial Regex Requests();

    [GeneratedRegex("^(and|what about|how about) the other( one| shape)?$")]
    private static partial Regex TheOther();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"( in|^and|(?<=about))( the (first|second) (picture|image)| picture [12])\b")]
    private static partial Regex OneOfTwo();

    [GeneratedRegex(@"^(?:and what about|what about|how about|and)(?: the)? ((?!what|where|which|how many of).+)$")]
    private static partial Regex Again();

    [GeneratedRegex("where|part of|position")]
    private static partial Regex AskingWhere();

    [GeneratedRegex(@"how many|^count |number of")]
    private static partial Regex Counting();

    [GeneratedRegex(@"\b(text|word|writing|written|say)\b")]
    private static partial Regex TextWords();

    [GeneratedRegex(@"^(is there|do you see|does the picture contain|is anything)")]
    private static partial Regex AskingForText();

    [GeneratedRegex(
        @"^(please |can you )?describe|caption|^what's in|^tell me what you see|^what is this$|"
        + @"^what (is|do you see|can you see|does (the|this) (picture|image) show)( shown| there)?( in (the|this) (picture|image)| here)?$|"
        + "^what is where|detailed description|and where$")]
    private static partial Regex Describing();

    [GeneratedRegex(
        "^(is there|do you see|can you see|does this picture show|does the image contain|is an? |are there|is anything)")]
    private static partial Regex Presence();

    [GeneratedRegex(@"\b(it|its|this)\b(?! (picture|image))")]
    private static partial Regex It();

    [GeneratedRegex(@"\b(biggest|largest)\b")]
    private static partial Regex Biggest();

    [GeneratedRegex(@"(?:at|on|in) the (top left|top right|bottom left|bottom right|top|bottom|left|right|centre)$")]
    private static partial Regex Region();

    [GeneratedRegex(@"\b(circle|square|triangle|star|diamond|cross)(es|s)?\b")]
    private static partial Regex ShapeWord();

    [GeneratedRegex(@"\b(red|green|blue|yellow|orange|purple|black|white)\b")]
    private static partial Regex ColourWord();
}
