namespace LlavaCluster.Model.Tests.Training.Checkpoint;

/// <summary>Lines like those that the questions are made of, many enough for a full vocabulary.</summary>
internal static class SampleLines
{
    private static readonly string[] Shapes = ["circle", "square", "triangle", "star", "diamond", "cross"];
    private static readonly string[] Colours = ["red", "green", "blue", "yellow", "orange", "purple", "black", "white"];
    private static readonly string[] 形 = ["圆形", "正方形", "三角形", "星形", "菱形", "十字"];

    public static IReadOnlyList<string> All { get; } =
    [
        .. from shape in Shapes from colour in Colours select $"Which colour is the {shape}? The {shape} is {colour}, and its outline is not.",
        .. from shape in Shapes from colour in Colours select $"Is there a {colour} {shape} in the picture? Yes, there is, left of the text \"AB{shape.Length}\".",
        .. from shape in 形 from place in "左右上下" select $"图中的{shape}在哪里？{shape}在{place}边，文字是“CAT7”。",
        .. from shape in Shapes select $"How many {shape}s are there? Answer with a single word. What does the text say? Describe it. {shape.Length}",
        .. Enumerable.Range(0, 40).SelectMany(n => Enumerable.Repeat($"Nonsense word {Syllables(n)}{Syllables(n * 7)}.", 2)),
    ];

    private static string Syllables(int n) => $"{"bdfgklmnprstv"[n % 13]}{"aeiou"[n % 5]}{"lmnr"[n % 4]}{"aeiou"[n / 5 % 5]}";
}
